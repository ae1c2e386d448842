"""JPEG -> grey: its luma channel, rotated by its EXIF.

libjpeg-turbo decodes the luma alone, by way of simplejpeg. Where it warns, Pillow has the last
word, which reads whatever is not truncated or broken beyond its header.
"""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images.faults import library_faults
from backlabel.images.markers import Header, parse
from backlabel.images.orientation import upright
from backlabel.images.picture import GreyImage, Limits, Picture
from backlabel.images.samples import BLACK_IS_ZERO, RGB, Meaning, to_grey
from backlabel.images.source import Source

_BYTE = 8  # bits
_GREY, _COLOUR, _INK = 1, 3, 4  # components


def read(source: Source, limits: Limits) -> Picture:
    """The picture of an open JPEG. Raises UnreadableImageError."""
    if source.size > limits.max_decoded_bytes:
        raise UnreadableImageError("too large", f"a JPEG of {source.size} bytes")
    data = source.read(0, source.size)
    header = parse(data)
    refuse(header, limits)
    grey, note = decode(data, header)
    grey, rotation = upright(grey, header.orientation)
    notes = (note, "first picture of several" if header.several else "", rotation)
    return Picture(grey, "jpeg", ", ".join(part for part in notes if part))


def refuse(header: Header, limits: Limits) -> None:
    """Raise UnreadableImageError for a picture that is empty, or larger than the limits allow."""
    width, height = header.width, header.height
    if width == 0 or height == 0:
        raise UnreadableImageError("corrupt", f"its header says {width} x {height} pixels")
    decoded = width * height * header.components * (1 if header.bits <= _BYTE else 2)
    if width * height > limits.max_pixels or decoded > limits.max_decoded_bytes:
        raise UnreadableImageError(
            "bomb", f"its header says {width} x {height} pixels, the limit is {limits.max_pixels}"
        )


def decode(data: bytes, header: Header) -> tuple[GreyImage, str]:
    """Grey as it is stored, not yet upright, and a note."""
    if header.bits != _BYTE or header.lossless:
        return _decode_deep(data, header)
    if header.components == _INK:
        return _decode_with_pillow(data, header), "CMYK"
    if header.components not in (_GREY, _COLOUR):
        raise UnreadableImageError("unsupported", f"{header.components} colour components")
    with library_faults():
        try:  # whatever libjpeg warns of is an error here, corrupt data among it
            return simplejpeg.decode_jpeg(data, "GRAY", strict=True)[..., 0], ""
        except ValueError:
            return _decode_with_pillow(data, header), "unusual or damaged JPEG"


def _decode_with_pillow(data: bytes, header: Header) -> GreyImage:
    """The luma channel, or the grey of the colours that inks give. It reads past warnings."""
    with library_faults(), Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if image.size != (header.width, header.height):
            raise UnreadableImageError("corrupt", "its headers say different sizes")
        image.draft("L", None)  # its luma channel, in full size
        return np.array(image.convert("L"))


def _decode_deep(data: bytes, header: Header) -> tuple[GreyImage, str]:
    with library_faults():
        samples: NDArray[np.generic] = imagecodecs.jpeg_decode(data)
    if samples.ndim == 2:  # noqa: PLR2004 rows and columns
        samples = samples[..., np.newaxis]
    if samples.shape[:2] != (header.height, header.width):
        raise UnreadableImageError("corrupt", f"it decodes to shape {samples.shape}")
    photometric = BLACK_IS_ZERO if samples.shape[2] == _GREY else RGB
    return to_grey(samples, Meaning(photometric, header.bits))
