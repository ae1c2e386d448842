"""SSIM in one pass: sums over 7x7 windows that run down the columns, exact in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.lanes import LANES
from backlabel.matching.kernels._similarity import SIDE, add_similarity, slide
from backlabel.matching.kernels.compiled import compiled


@compiled
def ssim_sum(
    a: NDArray[np.uint8], b: NDArray[np.uint8], mean_constant: float, variance_constant: float
) -> float:
    """Sum of the SSIM map of `a` and `b` (h, w) over its (h - 6) (w - 6) windows of 7x7.

    The constants are C1 * 49**2 and C2 * 49 * 48, those of window sums instead of means.
    """
    height, width = a.shape
    constants = np.float32(mean_constant), np.float32(variance_constant)
    sums = np.zeros((3, width + SIDE + 2 * LANES), np.int32)
    totals = np.empty(LANES, np.float32)
    black = np.zeros(width, np.uint8)
    total = 0.0
    for i in range(height):
        old = (a[i - SIDE], b[i - SIDE]) if i >= SIDE else (black, black)
        _slide((a[i], b[i]), old, sums)
        if i >= SIDE - 1:
            totals[:] = 0
            add_similarity(sums, width - SIDE + 1, constants, totals)  # type: ignore[call-arg]
            for lane in range(LANES):
                total += totals[lane]
    return total


@compiled
def _slide(new: tuple[Any, Any], old: tuple[Any, Any], sums: NDArray[np.int32]) -> None:
    """Move all columns' sums one row down; those beyond the last whole vector one by one."""
    (new_a, new_b), (old_a, old_b) = new, old
    whole = new_a.size // LANES * LANES
    for j in range(0, whole, LANES):
        slide(new_a, new_b, old_a, old_b, sums, j)  # type: ignore[call-arg]
    for j in range(whole, new_a.size):
        a, b = np.int32(new_a[j]), np.int32(new_b[j])
        c, d = np.int32(old_a[j]), np.int32(old_b[j])
        sums[0, j] += (a - c) + ((b - d) << 16)
        sums[1, j] += (a * a + b * b) - (c * c + d * d)
        sums[2, j] += a * b - c * d
