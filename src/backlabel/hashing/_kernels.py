"""The loops over pixels: compiled by numba where it is there, else in NumPy with the same bits.

Compiled code is cached on disk; where no place for that can be written, it is compiled anew in each
process. No kernel starts threads: backlabel is parallel over processes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import _plain
from backlabel.hashing.weights import FRACTION_BITS, SIDE, lanczos

try:
    import numba
    from numba.core import config

    from backlabel.hashing._vectors import LANES, LONGEST, weighted_sums

    COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]
except ImportError:  # also when numba does not know this NumPy yet
    COMPILED = False
_HALF = 1 << (FRACTION_BITS - 1)
_LONGEST_TAPS = 1 << 13  # beyond, sums of products are left to the plain way; tested up to here


def _compiled(function):  # type: ignore[no-untyped-def]
    if not COMPILED:
        return function
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder for the cache can be written
        return numba.njit(nogil=True)(function)


def histogram(grey: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each of the 256 levels of a C-contiguous image."""
    if not COMPILED:
        return _plain.histogram(grey)
    counts: NDArray[np.int64] = _histogram(grey.reshape(-1))
    return counts


def thumbnails(grey: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`table[grey]` and `grey` itself, resized to (2, SIDE, SIDE) as Pillow's LANCZOS does."""
    height, width = grey.shape
    fits = max(lanczos(width).width, lanczos(height).width) <= _LONGEST_TAPS
    ordinary = SIDE not in grey.shape and _plain.rows_first(height, width)
    if not (COMPILED and fits and ordinary):
        return np.stack([_plain.resize(table[grey]), _plain.resize(grey)])
    across, down = lanczos(width), lanczos(height)
    if across.width <= LANES * LONGEST:
        narrow = _across_fast(grey, table.astype(np.float32), across.starts, across.halves)
    else:
        narrow = _across(grey, table, across.starts, across.taps)
    both = _down(narrow, down.starts, down.taps)
    return np.ascontiguousarray(both.reshape(SIDE, 2, SIDE).transpose(1, 0, 2))


@_compiled
def _histogram(pixels):  # type: ignore[no-untyped-def]
    # Four counters a level: neighbouring pixels are often equal, and an addition to the counter
    # that was just written waits for the write.
    counts = np.zeros((4, 256), np.int32)
    quarter = pixels.size // 4
    for i in range(quarter):
        counts[0, pixels[4 * i]] += 1
        counts[1, pixels[4 * i + 1]] += 1
        counts[2, pixels[4 * i + 2]] += 1
        counts[3, pixels[4 * i + 3]] += 1
    for i in range(4 * quarter, pixels.size):
        counts[0, pixels[i]] += 1
    return counts.sum(axis=0).astype(np.int64)


@_compiled
def _across(grey, table, starts, taps):  # type: ignore[no-untyped-def]
    """(H, 2 * SIDE): each row of the tabled image narrowed, then of the image itself."""
    height, width = grey.shape
    length = taps.shape[1]
    tabled = np.zeros(width + length, np.uint8)
    plain = np.zeros(width + length, np.uint8)
    out = np.empty((height, 2 * SIDE), np.uint8)
    for y in range(height):
        for x in range(width):
            plain[x] = grey[y, x]
            tabled[x] = table[grey[y, x]]
        for i in range(SIDE):
            first = np.int32(_HALF)
            second = np.int32(_HALF)
            a = tabled[starts[i] : starts[i] + length]
            b = plain[starts[i] : starts[i] + length]
            weights = taps[i]
            for t in range(length):
                first += np.int32(a[t]) * weights[t]
                second += np.int32(b[t]) * weights[t]
            out[y, i] = min(max(first >> FRACTION_BITS, 0), 255)
            out[y, SIDE + i] = min(max(second >> FRACTION_BITS, 0), 255)
    return out


@_compiled
def _across_fast(grey, table, starts, halves):  # type: ignore[no-untyped-def]
    """As `_across`, two rows at a time: weights are read once for four sums."""
    height, width = grey.shape
    length = halves.shape[2]
    rows = np.zeros((4, width + length), np.float32)
    first = np.int64(rows.ctypes.data)
    weights = np.int64(halves.ctypes.data)
    out = np.empty((height + 1, 2 * SIDE), np.uint8)
    for y in range(0, height, 2):
        for j in range(min(2, height - y)):
            for x in range(width):
                rows[2 * j, x] = table[grey[y + j, x]]
            for x in range(width):
                rows[2 * j + 1, x] = np.float32(np.int32(grey[y + j, x]))
        upper, lower = out[y], out[y + 1]
        for i in range(SIDE):
            a, b, c, d = weighted_sums(  # type: ignore[call-arg,var-annotated]
                first + starts[i] * 4,
                np.int64(4 * (width + length)),
                weights + i * length * 4,
                weights + (SIDE + i) * length * 4,
                np.int64(length // LANES),
            )
            upper[i], upper[SIDE + i] = a, b
            lower[i], lower[SIDE + i] = c, d
    return out[:height]


@_compiled
def _down(narrow, starts, taps):  # type: ignore[no-untyped-def]
    """(SIDE, columns): whole rows are added up, so that memory is read in order."""
    height, columns = narrow.shape
    sums = np.empty(columns, np.int32)
    out = np.empty((SIDE, columns), np.uint8)
    for i in range(SIDE):
        sums[:] = _HALF
        for t in range(min(taps.shape[1], height - starts[i])):
            weight = taps[i, t]
            row = narrow[starts[i] + t]
            for x in range(columns):
                sums[x] += np.int32(row[x]) * weight
        for x in range(columns):
            out[i, x] = min(max(sums[x] >> FRACTION_BITS, 0), 255)
    return out
