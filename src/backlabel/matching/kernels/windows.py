"""SSIM in one pass: sums over 7x7 windows that run down the columns, exact in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.kernels.compiled import add, compiled, compiled_float, mul, sub

SIDE = 7
"""Pixels on a side of a window."""


@compiled
def _slide(new: tuple[Any, Any], old: tuple[Any, Any], sums: tuple[Any, Any, Any, Any]) -> None:
    """Move the column sums of a, b, (a - b)**2 and a * b one row down, exactly.

    A product of two bytes fits 16 bits, and so does the square of a difference that has wrapped;
    seven bytes fit 16 bits, seven products 32.
    """
    (new_a, new_b), (old_a, old_b) = new, old
    sum_a, sum_b, sum_square, sum_product = sums
    for j in range(sum_a.size):
        a, b = np.uint16(new_a[j]), np.uint16(new_b[j])
        c, d = np.uint16(old_a[j]), np.uint16(old_b[j])
        sum_a[j] = add(sum_a[j], sub(a, c))
        sum_b[j] = add(sum_b[j], sub(b, d))
        now, then = sub(a, b), sub(c, d)
        now, then = mul(now, now), mul(then, then)
        sum_square[j] = add(sum_square[j], sub(np.int32(now), np.int32(then)))
        now, then = mul(a, b), mul(c, d)
        sum_product[j] = add(sum_product[j], sub(np.int32(now), np.int32(then)))


@compiled
def _seven(column: NDArray[Any], out: NDArray[Any]) -> None:
    """Sums of seven neighbours of `column` (n + 6,) into `out` (n,)."""
    for j in range(out.size):
        first = add(add(column[j], column[j + 1]), add(column[j + 2], column[j + 3]))
        out[j] = add(first, add(add(column[j + 4], column[j + 5]), column[j + 6]))


@compiled_float
def _ssim_row(
    boxes: tuple[Any, Any, Any, Any], mean_constant: np.float32, variance_constant: np.float32
) -> np.float32:
    """Sum of SSIM over one row of windows, from the windows' sums.

    With p = sum(a) sum(b) and d = sum(a) - sum(b), everything is a sum of non-negative integers
    below 2**31, exact up to the final quotient: 49 sum((a - b)**2) - d**2 is 49**2 times the
    variance of a - b.
    """
    sum_a, sum_b, sum_square, sum_product = boxes
    total = np.float32(0)
    for j in range(sum_a.size):
        a, b = np.int32(sum_a[j]), np.int32(sum_b[j])
        product = mul(a, b)
        apart = mul(sub(a, b), sub(a, b))
        variance = np.float32(sub(mul(np.int32(49), sum_square[j]), apart))
        covariance = sub(mul(np.int32(49), sum_product[j]), product)
        means = np.float32(add(product, product)) + mean_constant
        both = np.float32(add(covariance, covariance)) + variance_constant
        total += (means * both) / ((np.float32(apart) + means) * (variance + both))
    return total


@compiled
def ssim_sum(
    a: NDArray[np.uint8], b: NDArray[np.uint8], mean_constant: float, variance_constant: float
) -> float:
    """Sum of the SSIM map of `a` and `b` (h, w) over its (h - 6) (w - 6) windows of 7x7.

    The constants are C1 * 49**2 and C2 * 49 * 48, those of window sums instead of means.
    """
    height, width = a.shape
    columns = (
        np.zeros(width, np.uint16),
        np.zeros(width, np.uint16),
        np.zeros(width, np.int32),
        np.zeros(width, np.int32),
    )
    boxes = (
        np.empty(width - 6, np.uint16),
        np.empty(width - 6, np.uint16),
        np.empty(width - 6, np.int32),
        np.empty(width - 6, np.int32),
    )
    black = np.zeros(width, np.uint8)
    total = 0.0
    for i in range(height):
        old = (a[i - 7], b[i - 7]) if i >= SIDE else (black, black)
        _slide((a[i], b[i]), old, columns)
        if i >= SIDE - 1:
            _seven(columns[0], boxes[0])
            _seven(columns[1], boxes[1])
            _seven(columns[2], boxes[2])
            _seven(columns[3], boxes[3])
            row = _ssim_row(boxes, np.float32(mean_constant), np.float32(variance_constant))
            total += float(row)
    return total
