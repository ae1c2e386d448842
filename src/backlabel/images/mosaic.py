"""Pictures above the pixel limit, reduced while they are read: never more than a tile is decoded.

Each pixel of the reduced picture is the mean of a square of the mosaic's pixels, or of what the
edge leaves of one. What holds 8 bits at most becomes grey tile by tile; deeper samples are averaged
as they are, and get their range afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd, strips, subsampled, via_tifffile
from backlabel.images.ifd import Directory, Layout
from backlabel.images.picture import Limits
from backlabel.images.samples import BLACK_IS_ZERO, RGB, WHITE_IS_ZERO, Meaning, to_grey
from backlabel.images.segments import Segments
from backlabel.images.source import Source

MOST_PIXELS = 1 << 24
"""Of the reduced picture: 4096 x 4096."""
_PIECE_BYTES = 32 << 20  # decoded at once, at most
_PLAIN = 1  # compression
_BYTE = 8  # bits
_LYING = range(5, 9)  # orientations

Piece = tuple[int, int, NDArray[np.generic]]
"""Top row, left column, and samples (h, w, channels)."""


def is_mosaic(page: Directory, limits: Limits) -> bool:
    """Whether a page is above the usual limit of pixels and within that for mosaics."""
    return limits.max_pixels < page.pixels <= limits.max_mosaic_pixels


def factor(page: Directory) -> int:
    """Pixels a side of the square that becomes one."""
    return math.ceil(math.sqrt(page.pixels / MOST_PIXELS))


def size(page: Directory) -> tuple[int, int]:
    """Rows and columns of the mosaic as it stands upright."""
    height, width = page.number(ifd.LENGTH, 0), page.number(ifd.WIDTH, 0)
    lies = page.number(ifd.ORIENTATION, 1) in _LYING
    return (width, height) if lies else (height, width)


def decode(
    page: Directory, segments: Segments, source: Source, layout: Layout, meaning: Meaning
) -> tuple[NDArray[np.generic], Meaning]:
    """The reduced samples (H, W, channels), and what they stand for.

    Raises UnreadableImageError, also for a strip or tile too large to be decoded by itself.
    """
    deep = meaning.bits > _BYTE or page.number(ifd.SAMPLE_FORMAT, 1) != 1
    if deep and meaning.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        raise UnreadableImageError("unsupported", "a mosaic of more than 8 bits in this colour")
    channels = len("RGB") if deep and meaning.photometric == RGB else 1
    found = _Mean(page, factor(page), channels)
    for top, left, piece in _pieces(page, segments, source, layout):
        grey = piece[..., :channels] if deep else to_grey(piece, meaning)[0][..., np.newaxis]
        found.add(top, left, grey)
    mean = found.mean()
    if not deep:
        return np.rint(mean).astype(np.uint8), Meaning(BLACK_IS_ZERO, _BYTE)
    if meaning.bits <= 2 * _BYTE and page.number(ifd.SAMPLE_FORMAT, 1) == 1:
        return np.rint(mean).astype(np.uint16), meaning
    return mean, Meaning(meaning.photometric, 4 * _BYTE)


class _Mean:
    """The mean of each square of a page, of which pieces come one by one."""

    def __init__(self, page: Directory, side: int, channels: int) -> None:
        self._side = side
        self._size = page.number(ifd.LENGTH, 0), page.number(ifd.WIDTH, 0)
        height, width = (-(-size // side) for size in self._size)
        self._sums = np.zeros((height, width, channels), np.float32)
        self._seen = 0

    def add(self, top: int, left: int, piece: NDArray[np.generic]) -> None:
        """Add the pixels of a piece; what reaches beyond the page is padding."""
        height, width = self._size
        inside = piece[: height - top, : width - left]
        rows, first_row = self._starts(top, inside.shape[0])
        columns, first_column = self._starts(left, inside.shape[1])
        kind = np.float32 if inside.dtype.kind == "f" else np.uint64
        sums = np.add.reduceat(inside, columns, axis=1, dtype=kind)
        sums = np.add.reduceat(sums, rows, axis=0, dtype=kind)
        place = (
            slice(first_row, first_row + len(rows)),
            slice(first_column, first_column + len(columns)),
        )
        self._sums[place] += sums
        self._seen += inside.shape[0] * inside.shape[1]

    def mean(self) -> NDArray[np.float32]:
        """(H, W, channels). Raises UnreadableImageError where pixels are missing."""
        height, width = self._size
        if self._seen != height * width:
            share = self._seen / (height * width)
            raise UnreadableImageError("truncated", f"only {share:.0%} of it is there")
        for axis, size in enumerate(self._size):
            sides = np.full(self._sums.shape[axis], self._side, np.float32)
            sides[-1] = size - self._side * (len(sides) - 1)
            self._sums /= sides.reshape([-1 if i == axis else 1 for i in range(3)])
        return self._sums

    def _starts(self, at: int, size: int) -> tuple[list[int], int]:
        """Where squares begin in a piece from `at` on, and the number of the first."""
        first = at // self._side
        last = (at + size - 1) // self._side
        return [max(0, square * self._side - at) for square in range(first, last + 1)], first


def _pieces(page: Directory, segments: Segments, source: Source, layout: Layout) -> Iterator[Piece]:
    plan = None if subsampled.is_subsampled(page) else strips.plan(page, segments)
    if plan is not None and plan.compression == _PLAIN:
        yield from _rows(plan, source, layout)
        return
    _refuse(page)
    yield from via_tifffile.pieces(source, page, segments)


def _rows(plan: strips.Plan, source: Source, layout: Layout) -> Iterator[Piece]:
    """Plain strips a few rows at a time: one strip may be the whole mosaic."""
    dtype = np.dtype(layout.order + plan.kind)
    height, width, channels = plan.shape
    row = width * channels * dtype.itemsize
    at_once = max(1, _PIECE_BYTES // row)
    for number, (offset, count) in enumerate(zip(plan.offsets, plan.counts, strict=True)):
        top = number * plan.rows
        rows = min(plan.rows, height - top)
        if count < rows * row:
            raise UnreadableImageError("truncated", f"a strip holds {count} bytes of {rows * row}")
        for first in range(0, rows, at_once):
            some = min(at_once, rows - first)
            data = source.read_into(np.empty(some * row, np.uint8), offset + first * row)
            yield top + first, 0, data.view(dtype).reshape(some, width, channels)


def _refuse(page: Directory) -> None:
    height, width = page.number(ifd.ROWS_PER_STRIP, 1 << 31), page.number(ifd.WIDTH, 0)
    if ifd.TILE_OFFSETS in page:
        height, width = page.number(ifd.TILE_LENGTH, 0), page.number(ifd.TILE_WIDTH, 0)
    height = min(height, page.number(ifd.LENGTH, 0))
    bits = max(page.numbers(ifd.BITS, (1,))) * page.number(ifd.SAMPLES, 1)
    if height * width * bits > _BYTE * _PIECE_BYTES:
        raise UnreadableImageError(
            "bomb",
            f"one of its strips or tiles has {height} x {width} pixels, too many to be decoded at "
            "once; save it in tiles or in strips of fewer rows",
        )
