"""Correlation of two images' fine residuals (x less its Gaussian blur), block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.kernels._blur import LANES, ROWS, add_moments, blur_down
from backlabel.kernels.compiled import compiled

_MOST = 256  # columns that are blurred at once, so that they stay in the first cache
Weights = tuple[np.float32, ...]
Images = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@compiled
def block_moments(
    a: NDArray[np.uint8], b: NDArray[np.uint8], block: int, weights: Weights
) -> NDArray[np.float64]:
    """Sums of x, y, x * x, y * y and x * y in each whole block, x and y the residuals of `a`, `b`.

    `a` and `b` are (h, w), the result is (h // block, w // block, 5); `block` is a multiple of
    LANES. `weights` are half of the symmetric kernel, from its centre outwards. Both sides must be
    longer than that.
    """
    height, width = a.shape
    rows, columns = height // block, width // block
    moments = np.zeros((rows, columns, 5), np.float64)
    across = max(1, _MOST // block)  # blocks
    margin = -(-len(weights) // LANES) * 2 * LANES  # the radius, and as much in whole vectors
    apart = across * block + 2 * margin
    blurred = _aligned(ROWS * apart), _aligned(ROWS * apart)
    sums = np.empty((across, 5, LANES), np.float32)
    for i in range(rows):
        for k in range(0, columns, across):
            some = sums[: min(across, columns - k)]
            some[:] = 0
            for row in range(i * block, (i + 1) * block, ROWS):
                _add_rows((a, b), row, k * block, weights, block, blurred, (apart, margin), some)
            for one in range(len(some)):
                for moment in range(5):
                    total = 0.0
                    for lane in range(LANES):
                        total += some[one, moment, lane]
                    moments[i, k + one, moment] = total
    return moments


@compiled
def _add_rows(  # noqa: PLR0917
    images: Images,
    row: int,
    first: int,
    weights: Weights,
    block: int,
    blurred: tuple[NDArray[np.float32], NDArray[np.float32]],
    layout: tuple[int, int],
    sums: Any,
) -> None:
    """Add the moments of ROWS rows, from column `first` on, to `sums` (blocks, 5, LANES)."""
    a, b = images
    apart, margin = layout
    radius, count = len(weights) - 1, len(sums) * block
    start, stop = max(0, first - radius), min(a.shape[1], first + count + radius)
    at = margin - first
    blur_down(a, row, weights, start, stop, blurred[0], at, apart)  # type: ignore[call-arg]
    blur_down(b, row, weights, start, stop, blurred[1], at, apart)
    for k in range(len(sums)):
        left = k * block
        add_moments(
            images, row, first + left, block, blurred, apart, margin + left, weights, sums[k]
        )


@compiled
def _aligned(size: int) -> NDArray[np.float32]:
    """Of which no vector at a multiple of its size crosses a line of the cache."""
    room = np.empty(size + LANES, np.float32)
    start = -room.ctypes.data % (4 * LANES) // 4
    return room[start : start + size]
