"""Grey of pixels that have chroma: as libjpeg-turbo makes RGB, and Pillow grey of that.

Shared colours are interpolated with a triangle filter ("fancy upsampling"): three quarters of the
nearer sample and one quarter of the next, beside it and above or below; samples at the border are
their own neighbours. Halves are rounded down and up in turn. YCbCr becomes RGB as in JFIF 1.02,
with constants of 16 bits.

All arithmetic is of float32: its integers are exact up to 2**24, which no sum here exceeds, and
the compiler has vectors for them, whereas numba makes any sum of integers one of 64 bits.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import float32, int64, uint8, void
from numpy.typing import NDArray

NEUTRAL = 128
_BLOCK = 8
_F = np.float32
_ONE, _HALF = _F(1 / 65536), _F(32768)


def with_colour(
    grey: NDArray[np.uint8],
    chroma: NDArray[np.uint8],
    coloured: NDArray[np.uint8],
    across: int,
    down: int,
) -> None:
    """Replace brightness (H, W) by the grey of the pixels' colour.

    `chroma` is Cb and Cr (2, H / down, W / across), rounded up, 3 columns or more if across is 2.
    Rows of its blocks where `coloured` is 0 are neutral: with their like, they change nothing.
    """
    sums = np.empty((2, chroma.shape[2] + 2), _F)
    wide = np.empty((2, across * chroma.shape[2]), _F)
    _recolour(grey, chroma, coloured, across, down, sums, wide)


@numba.njit(cache=True, nogil=True)
def _mix(near, other, down, sums):  # type: ignore[no-untyped-def]
    """Three of the nearer row and one of the other; one column is added on either side."""
    size = near.size
    if down == 1:
        for x in range(size):
            sums[x + 1] = _F(near[x])
    else:
        for x in range(size):
            sums[x + 1] = _F(3) * _F(near[x]) + _F(other[x])
    sums[0], sums[size + 1] = sums[1], sums[size]


@numba.njit(cache=True, nogil=True)
def _widen(sums, across, down, below, wide):  # type: ignore[no-untyped-def]
    """Samples of all columns, less NEUTRAL."""
    size = sums.size - 2
    if across == 1:
        part, bias = (_F(1), _F(0)) if down == 1 else (_F(1 / 4), _F(1 + below))
        for x in range(size):
            wide[x] = np.floor((sums[x + 1] + bias) * part) - _F(NEUTRAL)
        return
    part, left, right = _F(1 / 4), _F(1), _F(2)
    if down > 1:
        part, left, right = _F(1 / 16), _F(8), _F(7)
    for x in range(size):
        three = _F(3) * sums[x + 1]
        wide[2 * x] = np.floor((three + sums[x] + left) * part) - _F(NEUTRAL)
        wide[2 * x + 1] = np.floor((three + sums[x + 2] + right) * part) - _F(NEUTRAL)


@numba.njit(cache=True, nogil=True)
def _paint(row, cb, cr):  # type: ignore[no-untyped-def]
    """YCbCr -> RGB -> grey of one row of pixels."""
    for x in range(row.size):
        level, blue, red = _F(row[x]), cb[x], cr[x]
        r = _byte(level + np.floor((_F(91881) * red + _HALF) * _ONE))
        g = _byte(level + np.floor((_HALF - _F(22554) * blue - _F(46802) * red) * _ONE))
        b = _byte(level + np.floor((_F(116130) * blue + _HALF) * _ONE))
        row[x] = np.uint8((_F(19595) * r + _F(38470) * g + _F(7471) * b + _HALF) * _ONE)


@numba.njit(cache=True, nogil=True, inline="always")
def _byte(level):  # type: ignore[no-untyped-def]
    return min(max(level, _F(0)), _F(255))


@numba.njit(
    void(uint8[:, ::1], uint8[:, :, :], uint8[::1], int64, int64, float32[:, ::1], float32[:, ::1]),
    cache=True,
    nogil=True,
)
def _recolour(grey, chroma, coloured, across, down, sums, wide):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    last = chroma.shape[1] - 1
    for y in range(grey.shape[0]):
        near = y // down
        other = min(max(near + (2 * (y % down) - 1) * (down - 1), 0), last)
        if coloured[near // _BLOCK] == 0 and coloured[other // _BLOCK] == 0:
            continue
        for i in range(2):
            _mix(chroma[i, near], chroma[i, other], down, sums[i])
            _widen(sums[i], across, down, y % down, wide[i])
        _paint(grey[y], wide[0], wide[1])
