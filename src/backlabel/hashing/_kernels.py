"""The loops over pixels: compiled by numba where it is there, else in NumPy with the same bits.

Compiled code is cached on disk; where no place for that can be written, it is compiled anew in each
process. No kernel starts threads: backlabel is parallel over processes.
"""

from __future__ import annotations

import platform

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import _plain
from backlabel.hashing.weights import SIDE, lanczos

try:
    import numba
    from numba.core import config

    from backlabel.hashing import _transform
    from backlabel.hashing._vectors import GROUPS, MOST, pack, weigh
    from backlabel.images._kernels import histogram as count
    from backlabel.images._lookup import BLOCK, translate
    from backlabel.kernels.lanes import LANES

    COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]
except ImportError:  # also when numba does not know this NumPy yet
    COMPILED = False


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
    writeable = np.require(grey, requirements=["C", "W"])  # the compiled loop takes no other
    counts: NDArray[np.int64] = count(writeable.reshape(-1))
    return counts


def thumbnails(grey: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`table[grey]` and `grey` itself as Pillow's LANCZOS resizes them: (SIDE, 2, SIDE)."""
    height, width = grey.shape
    across, down = lanczos(width), lanczos(height)
    ordinary = SIDE not in grey.shape and _plain.rows_first(height, width)
    if not (COMPILED and ordinary and max(across.taps.shape[1], down.taps.shape[1]) < MOST):
        return np.stack([_plain.resize(table[grey]), _plain.resize(grey)], axis=1)
    narrow = _across(grey, table, across.pairs, across.halves)
    both = _down(narrow, height, down.pairs, down.halves)
    resized: NDArray[np.uint8] = both.reshape(SIDE, 2, SIDE)
    return resized


def low_rows(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(SIDE, n, SIDE), n images by rows -> (n, 32, SIDE): the lowest rows of their DCT-II.

    Unnormalised, columns before rows, bit for bit SciPy's. Elsewhere than on x86-64 SciPy's own
    additions may be joined with multiplications, so that only it is like itself there.
    """
    if not (COMPILED and platform.machine().lower() in ("x86_64", "amd64")):
        return _plain.low_rows(images)
    rows: NDArray[np.float64] = _transform.low_rows(np.ascontiguousarray(images))
    return rows


@_compiled
def _across(grey, table, pairs, halves):  # type: ignore[no-untyped-def]
    """(2 * SIDE, H or a little more): columns of the tabled image narrowed, then of the image."""
    height, width = grey.shape
    strip, packed = _scratch(width, halves.shape[2])
    flat, length = strip.reshape(-1), strip.shape[1]
    half = GROUPS // 2 * LANES  # rows of each image that are narrowed at once
    padded = -(-height // half) * half
    out = np.empty((2 * SIDE, padded), np.uint8)
    for y in range(0, height, half):
        for r in range(min(half, height - y)):
            for x in range(width):
                strip[half + r, x] = grey[y + r, x]
            for x in range(0, width, BLOCK):
                translate(table, flat, (half + r) * length + x, flat, r * length + x)  # type: ignore[call-arg]
        _narrow(strip, packed, pairs, halves, out, y, SIDE * padded)
    return out


@_compiled
def _down(narrow, height, pairs, halves):  # type: ignore[no-untyped-def]
    """(SIDE, columns): the columns, each a row of `narrow`, narrowed."""
    columns = narrow.shape[0]
    strip, packed = _scratch(height, halves.shape[2])
    out = np.empty((SIDE, columns), np.uint8)
    for first in range(0, columns, GROUPS * LANES):
        for r in range(GROUPS * LANES):
            for y in range(height):
                strip[r, y] = narrow[first + r, y]
        _narrow(strip, packed, pairs, halves, out, first, GROUPS // 2 * LANES)
    return out


@_compiled
def _scratch(length, taps):  # type: ignore[no-untyped-def]
    """Room for GROUPS * LANES rows of `length` pixels, and for as many packed in pairs."""
    whole = -(-(length + taps) // BLOCK) * BLOCK
    strip = np.zeros((GROUPS * LANES, whole), np.uint8)
    return strip, np.empty((GROUPS, whole // 2, LANES), np.int32)


@_compiled
def _narrow(strip, packed, pairs, halves, out, at, apart):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Each row of `strip` -> a column of `out`, from `at` on; half of them `apart` further on."""
    for g in range(GROUPS):
        for x in range(0, strip.shape[1], 2 * LANES):
            pack(strip, np.int64(g * LANES), np.int64(x), packed[g])  # type: ignore[call-arg]
    flat = out.reshape(-1)
    stride = out.shape[1]
    for i in range(SIDE):
        weigh(
            packed, pairs[i], halves, np.int64(i), flat, np.int64(at + i * stride), np.int64(apart)
        )  # type: ignore[call-arg]
