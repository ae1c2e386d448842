"""YCbCr whose colours are stored once for several pixels, outside of JPEG.

tifffile does not decode it, and Pillow takes it for whole pixels. Source: TIFF 6.0, section 21:
units of `across` x `down` brightnesses, row by row, and then their one Cb and one Cr.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd, strips
from backlabel.images.ifd import Directory
from backlabel.images.segments import Segments
from backlabel.images.source import Source

_ALLOWED = (1, 2, 4)
_YCBCR = 6
_JPEGS = (6, 7, 33007, 34892)  # compressions whose decoder does it


def is_subsampled(page: Directory) -> bool:
    """Whether `page` is of this kind."""
    return (
        page.number(ifd.PHOTOMETRIC, 1) == _YCBCR
        and page.number(ifd.COMPRESSION, 1) not in _JPEGS
        and page.number(ifd.PLANAR, 1) == 1
        and set(page.numbers(ifd.YCBCR_SUBSAMPLING, (2, 2))) != {1}
    )


def decode(page: Directory, segments: Segments, source: Source) -> NDArray[np.uint8]:
    """(H, W, 3), each colour repeated for all pixels of its unit."""
    across, down = _factors(page)
    width, height = page.number(ifd.WIDTH, 0), page.number(ifd.LENGTH, 0)
    rows = max(1, min(page.number(ifd.ROWS_PER_STRIP, height), height))
    pieces = []
    for top, offset, count in zip(
        range(0, height, rows), segments.offsets, segments.counts, strict=True
    ):
        units = -(-min(rows, height - top) // down), -(-width // across), across * down + 2
        packed = np.empty(units, np.uint8)
        strips.unpack(page.number(ifd.COMPRESSION, 1), source.read(offset, count), packed.ravel())
        pieces.append(_pixels(packed, across, down)[: min(rows, height - top), :width])
    return np.concatenate(pieces)


def _factors(page: Directory) -> tuple[int, int]:
    factors = page.numbers(ifd.YCBCR_SUBSAMPLING, (2, 2))
    if len(factors) < 2 or not {*factors[:2]} <= {*_ALLOWED}:  # noqa: PLR2004 across and down
        raise UnreadableImageError("corrupt", f"colours shared by {factors} pixels")
    simple = set(page.numbers(ifd.BITS, (8, 8, 8))) == {8} and page.number(ifd.SAMPLES, 3) == 3  # noqa: PLR2004
    if not simple or ifd.TILE_OFFSETS in page or page.number(ifd.PREDICTOR, 1) != 1:
        raise UnreadableImageError("unsupported", "shared colours in tiles or in odd bits")
    return factors[0], factors[1]


def _pixels(units: NDArray[np.uint8], across: int, down: int) -> NDArray[np.uint8]:
    high, wide, _ = units.shape
    light = units[..., :-2].reshape(high, wide, down, across).swapaxes(1, 2)
    colours = units[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return np.dstack([light.reshape(high * down, wide * across), colours])
