"""Grey images to JPEG bytes and to other sizes: what makes a published copy of an original."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backlabel.errors import UnreadableImageError

Resampling: TypeAlias = Image.Resampling
RESAMPLINGS = (Resampling.LANCZOS, Resampling.BICUBIC, Resampling.BILINEAR, Resampling.BOX)
"""The usual ways to reduce an image, antialiased."""
Table: TypeAlias = tuple[int, ...]
"""64 quantisation steps, row by row of the 8x8 block."""


def jpeg(grey: NDArray[np.uint8], quality: int) -> bytes:
    """`grey` (H, W) as a baseline JPEG with one channel; `quality` 1..100 as Pillow has it."""
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def png(grey: NDArray[np.uint8]) -> bytes:
    """`grey` (H, W) as a PNG, packed for speed rather than size."""
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def tiff(pages: Sequence[NDArray[np.uint8]]) -> bytes:
    """A TIFF with these pages (H, W), one or more, not compressed."""
    first, *others = map(Image.fromarray, pages)
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def decoded(data: bytes) -> NDArray[np.uint8]:
    """The pixels (H, W) of a JPEG that `jpeg` made."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def luma_table(data: bytes) -> Table:
    """The quantisation of brightness that the JPEG `data` states, in natural order.

    Its beginning up to the image data is enough. Raises UnreadableImageError if it states none.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            tables = image.quantization  # type: ignore[attr-defined]  # of JPEG images only
    except (OSError, SyntaxError) as error:
        raise UnreadableImageError("no quantisation", f"no JPEG header ({error})") from error
    if not tables:
        raise UnreadableImageError("no quantisation", "the JPEG states no quantisation table")
    return tuple(tables[min(tables)])


def resized(
    grey: NDArray[np.uint8],
    height: int,
    width: int,
    resampling: Resampling = Resampling.LANCZOS,
    box: tuple[float, float, float, float] | None = None,
) -> NDArray[np.uint8]:
    """`grey`, or what lies in `box` of it (left, top, right, bottom), resized and antialiased.

    A border of `box` may lie within a pixel; pixels beyond it count as far as the filter reaches.
    """
    return np.asarray(Image.fromarray(grey).resize((width, height), resampling, box))


def warped(
    grey: NDArray[np.uint8],
    height: int,
    width: int,
    back: NDArray[np.float64],
    resampling: Resampling,
) -> NDArray[np.uint8]:
    """`grey` under an affine map, not antialiased; 0 where it has no pixels.

    `back` (2, 3) takes x and y of the result to those in `grey`, from the corners.
    """
    image = Image.fromarray(grey)
    way = Image.Transform.AFFINE
    return np.asarray(image.transform((width, height), way, tuple(back.ravel()), resampling))
