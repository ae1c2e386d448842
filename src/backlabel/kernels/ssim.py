"""SSIM in one pass: sums over 7x7 windows that run down the columns, exact in whole numbers.

Wang et al. 2004, doi:10.1109/TIP.2003.819861. With the sums over the N = 49 pixels of a window
instead of means, and sample covariance, SSIM is

    (2 A B + N² C1) (2 (N sum(ab) - A B) + N (N - 1) C2)
    ----------------------------------------------------------------
    (A² + B² + N² C1) (N sum(aa + bb) - A² - B² + N (N - 1) C2)

where A = sum(a) and B = sum(b). All whole numbers in it are below 2**31.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, float64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import helper, kernel, reads

SIDE = 7
"""Pixels on a side of a window."""
Row = NDArray[np.uint8]
Sums = NDArray[np.int32]
"""(3, n): A + 2**16 B, sum(aa + bb) and sum(ab). Both A and B are below 2**16."""


@kernel(reads(uint8, 2), reads(uint8, 2), float32, float32, result=float64)
def ssim_sum(
    a: NDArray[np.uint8], b: NDArray[np.uint8], mean_constant: Any, variance_constant: Any
) -> float:
    """Sum of the SSIM map of `a` and `b` (h, w) over its (h - 6) (w - 6) windows of 7x7.

    The constants are C1 * 49**2 and C2 * 49 * 48.
    """
    height, width = a.shape
    columns = np.zeros((3, width), np.int32)
    twos = np.empty(width - 1, np.int32)
    windows = np.empty((3, width - SIDE + 1), np.int32)
    black = np.zeros(width, np.uint8)
    total = 0.0
    for i in range(height):
        old_a, old_b = (a[i - SIDE], b[i - SIDE]) if i >= SIDE else (black, black)
        _move_down(a[i], b[i], old_a, old_b, columns)
        if i >= SIDE - 1:
            for k in range(3):
                _add_seven(columns[k], twos, windows[k])
            total += _similarity(windows, mean_constant, variance_constant)
    return total


@helper
def _move_down(new_a: Row, new_b: Row, old_a: Row, old_b: Row, columns: Sums) -> None:
    """Move the sums over seven rows of each column one row down: one pixel comes, one goes."""
    both, squares, products = columns[0], columns[1], columns[2]
    for j in range(new_a.size):
        a, b = np.int32(new_a[j]), np.int32(new_b[j])
        c, d = np.int32(old_a[j]), np.int32(old_b[j])
        both[j] += (a - c) + ((b - d) << 16)
        squares[j] += np.int32(a * a) + np.int32(b * b) - np.int32(c * c) - np.int32(d * d)
        products[j] += np.int32(a * b) - np.int32(c * d)


@helper
def _add_seven(
    columns: NDArray[np.int32], twos: NDArray[np.int32], windows: NDArray[np.int32]
) -> None:
    """Sums of seven neighbours of `columns` (n + 6,) into `windows` (n,).

    `twos` (n + 5,) holds those of two, of which each serves three times.
    """
    for j in range(twos.size):
        twos[j] = columns[j] + columns[j + 1]
    for j in range(windows.size):
        windows[j] = twos[j] + twos[j + 2] + twos[j + 4] + columns[j + 6]


@helper
def _similarity(windows: Sums, mean_constant: Any, variance_constant: Any) -> Any:
    """The formula, summed over one row of windows."""
    both, squares, products = windows[0], windows[1], windows[2]
    total = np.float32(0)
    for j in range(both.size):
        a, b = np.int32(both[j] & 0xFFFF), np.int32(both[j] >> 16)
        means = np.int32(2 * a * b)
        powers = np.int32(a * a + b * b)
        covariance = np.float32(np.int32(98 * products[j] - means)) + variance_constant
        variance = np.float32(np.int32(49 * squares[j] - powers)) + variance_constant
        above = (np.float32(means) + mean_constant) * covariance
        below = (np.float32(powers) + mean_constant) * variance
        total += above / below
    return total
