"""SSIM in one pass: sums over 7x7 windows that run down the columns, exact in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.images._lookup import BLOCK as LOOKED_UP
from backlabel.images._lookup import translate
from backlabel.kernels._similarity import BLOCK, SIDE, slide, turn
from backlabel.kernels.compiled import compiled
from backlabel.kernels.lanes import LANES

Flat = NDArray[np.uint8]

_LINE = 64  # bytes of the cache
_MOST = 1536  # windows across that are taken at once, so that their sums stay in the first cache


@compiled
def ssim_sum(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    tables: NDArray[np.uint8],
    mean_constant: float,
    variance_constant: float,
) -> float:
    """Sum of the SSIM map of `a` and `b` (h, w) over its (h - 6) (w - 6) windows of 7x7.

    `tables` (2, 256) or (0, 256): if there are two, each image is seen through its own. The
    constants are C1 * 49**2 and C2 * 49 * 48, those of window sums instead of means.
    """
    constants = np.float32(mean_constant), np.float32(variance_constant)
    windows = a.shape[1] - SIDE + 1
    strips = -(-windows // _MOST)
    total = 0.0
    for i in range(strips):
        first, stop = i * windows // strips, (i + 1) * windows // strips
        total += _strip(a, b, tables, first, stop - first, constants)
    return total


@compiled
def _strip(  # noqa: PLR0917
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    tables: NDArray[np.uint8],
    first: int,
    count: int,
    constants: Any,
) -> float:
    """`ssim_sum` of the `count` windows a row from column `first` on."""
    height, width = a.shape
    run = -(-count // LANES)  # columns of a lane, side by side in a turned row
    blocks = -(-(run + SIDE - 1) // BLOCK)
    reach = -(-((LANES - 1) * run + blocks * BLOCK) // LOOKED_UP) * LOOKED_UP
    turned = _aligned((SIDE + 1) * blocks * BLOCK * 2 * LANES)
    sums = _aligned(4 * 3 * LANES * (run + 2 * SIDE)).view(np.int32)
    seen = _aligned(2 * reach)
    totals = np.zeros(LANES)
    # Rows are read `reach` far, whatever comes there: the last ones from a copy with room for it.
    last = max(0, (height * width - first - reach) // width + 1)
    ends = _with_room(a, last, reach), _with_room(b, last, reach)
    shape = run, count, width
    scratch = turned, sums, (seen[:reach], seen[reach:]), totals
    # One call in a loop: each would be compiled of its own.
    for part in range(2):
        images = (a.reshape(-1), b.reshape(-1)) if part == 0 else ends
        span = (0, last) if part == 0 else (last, height)
        _slide_over(images, tables, first, span, shape, constants, scratch)
    total: float = totals.sum()
    return total


@compiled
def _slide_over(  # noqa: PLR0917
    images: tuple[Flat, Flat],
    tables: NDArray[np.uint8],
    first: int,
    span: tuple[int, int],
    shape: tuple[int, int, int],
    constants: Any,
    scratch: Any,
) -> None:
    """Add the rows from `span[0]`, at the start of `images`, to `span[1]`, and their windows."""
    turned, sums, seen, totals = scratch
    run, count, width = shape
    a, b = images
    length = turned.size // (SIDE + 1)
    sources = seen if len(tables) else images
    for i in range(span[0], span[1]):
        at = (i - span[0]) * width + first
        new, old = i % (SIDE + 1) * length, (i + 1) % (SIDE + 1) * length
        if len(tables):
            _see(a, at, tables[0], seen[0])
            _see(b, at, tables[1], seen[1])
            at = 0
        for j in range(0, length, 2 * LANES * BLOCK):
            column = at + j // (2 * LANES)
            turn(sources[0], sources[1], run, column, turned, new + j)  # type: ignore[call-arg]
        slide(turned, new, old, sums, run, count if i >= SIDE - 1 else 0, constants, totals)  # type: ignore[call-arg]


@compiled
def _see(row: Flat, at: int, table: Flat, out: Flat) -> None:
    """`table[row[at:]]`, as much as there is room for."""
    for j in range(0, out.size, LOOKED_UP):
        translate(table, row, at + j, out, j)  # type: ignore[call-arg]


@compiled
def _with_room(image: NDArray[np.uint8], first: int, room: int) -> Flat:
    """The rows from `first` on, and after them `room` bytes."""
    rows = image[first:].reshape(-1)
    out = np.zeros(rows.size + room, np.uint8)
    out[: rows.size] = rows
    return out


@compiled
def _aligned(size: int) -> Flat:
    """Zeros of which no vector crosses a line of the cache, which would take two loads."""
    room = np.zeros(size + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    return room[start : start + size]
