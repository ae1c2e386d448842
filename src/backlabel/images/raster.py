"""PNG and BMP -> grey. Pillow decodes them, and no other of its decoders is let near the file.

Pillow would read a PNG of 16 bits a channel with 8 bits of each: imagecodecs (libpng) has those.
"""

from __future__ import annotations

import io
from typing import Literal, TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from backlabel.errors import UnreadableImageError
from backlabel.images.faults import library_faults
from backlabel.images.orientation import upright
from backlabel.images.picture import Limits, Picture
from backlabel.images.samples import BLACK_IS_ZERO, RGB, Meaning, to_grey, to_unit
from backlabel.images.source import Source

RasterKind: TypeAlias = Literal["png", "bmp"]

_BYTE, _DEEP = 8, 16  # bits of a channel
_DEPTH_AT = 24  # PNG, third edition, 11.2.1: signature, length, "IHDR", width, height, depth
_COLOUR = len("RGB")


def read(source: Source, kind: RasterKind, limits: Limits) -> Picture:
    """The picture of an open PNG or BMP. Raises UnreadableImageError."""
    samples, meaning, orientation = _decoded(source, kind, limits)
    grey, note = to_grey(samples, meaning)
    grey, rotation = upright(grey, orientation)
    return Picture(grey, kind, ", ".join(part for part in (note, rotation) if part))


def read_unit(source: Source, kind: RasterKind, limits: Limits) -> NDArray[np.float32]:
    """The same picture in its full depth: (H, W), 0 black to 1 white."""
    samples, meaning, orientation = _decoded(source, kind, limits)
    return upright(to_unit(samples, meaning), orientation)[0]


def samples(source: Source, kind: RasterKind, limits: Limits) -> NDArray[np.generic]:
    """(H, W, channels) as stored, a palette's colours in place of its indices; not yet upright."""
    return _decoded(source, kind, limits)[0]


def _decoded(
    source: Source, kind: RasterKind, limits: Limits
) -> tuple[NDArray[np.generic], Meaning, int]:
    if source.size > limits.max_decoded_bytes:
        raise UnreadableImageError("too large", f"a {kind.upper()} of {source.size} bytes")
    data = source.read(0, source.size)
    deep = kind == "png" and data[_DEPTH_AT : _DEPTH_AT + 1] == bytes([_DEEP])
    with library_faults(), Image.open(io.BytesIO(data), formats=(kind.upper(),)) as image:
        _refuse(image, limits, bytes_each=2 if deep else 1)
        found = _deep(data) if deep else np.asarray(_plain(image))
        if found.shape[:2] != (image.height, image.width):
            raise UnreadableImageError("corrupt", f"it decodes to shape {found.shape}")
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if found.ndim == 2:  # noqa: PLR2004 rows and columns
        found = found[..., np.newaxis]
    photometric = BLACK_IS_ZERO if found.shape[2] < _COLOUR else RGB
    return found, Meaning(photometric, _DEEP if deep else _BYTE), orientation


def _refuse(image: Image.Image, limits: Limits, *, bytes_each: int) -> None:
    """Raise UnreadableImageError for a header that asks for more than the limits allow."""
    pixels = image.width * image.height
    decoded = pixels * len(image.getbands()) * bytes_each
    if pixels > limits.max_pixels or decoded > limits.max_decoded_bytes:
        raise UnreadableImageError(
            "bomb",
            f"its header says {image.width} x {image.height} pixels, "
            f"the limit is {limits.max_pixels}",
        )


def _plain(image: Image.Image) -> Image.Image:
    """The decoded image, with whole channels of 8 bits."""
    image.load()
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _deep(data: bytes) -> NDArray[np.generic]:
    found: NDArray[np.generic] = imagecodecs.png_decode(data)
    return found
