"""Correlation of two images' fine residuals (x less its Gaussian blur), block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.kernels.compiled import add, compiled, compiled_float

Row = NDArray[np.uint8]
Floats = NDArray[np.float32]


@compiled_float
def _add_rows(near: tuple[Row, Row], far: tuple[Row, Row], weights: Floats, out: Floats) -> None:
    """Add two pairs of rows, each with its weight: two at once save half of the passes."""
    (up, down), (higher, lower) = near, far
    for j in range(out.size):
        first = np.float32(add(np.uint16(up[j]), np.uint16(down[j])))
        second = np.float32(add(np.uint16(higher[j]), np.uint16(lower[j])))
        out[j] += weights[0] * first + weights[1] * second


@compiled_float
def _subtract_sides(
    inner: tuple[Floats, Floats], outer: tuple[Floats, Floats], weights: Floats, out: Floats
) -> None:
    (left, right), (outer_left, outer_right) = inner, outer
    for j in range(out.size):
        first, second = left[j] + right[j], outer_left[j] + outer_right[j]
        out[j] -= weights[0] * first + weights[1] * second


@compiled
def _mirror(i: int, size: int) -> int:
    """The pixel that stands for `i` outside of 0..size - 1: the edges are repeated."""
    if i < 0:
        return -i - 1
    return min(i, 2 * size - 1 - i)


@compiled
def _rows_around(image: NDArray[np.uint8], i: int, distance: int) -> tuple[Row, Row]:
    up, down = _mirror(i - distance, image.shape[0]), _mirror(i + distance, image.shape[0])
    return image[up], image[down]


@compiled
def _residual(
    image: NDArray[np.uint8], i: int, weights: Floats, blurred: Floats, out: Floats
) -> None:
    """Row `i` (w,) of `image` less its blur; `blurred` (w + 2 r,) is scratch.

    `weights` (r + 1,) is half of the symmetric kernel, from its centre outwards; r is even.
    """
    width, radius = out.size, weights.size - 1
    middle = blurred[radius : radius + width]
    for j in range(width):
        middle[j] = weights[0] * np.float32(image[i, j])
    for tap in range(1, radius, 2):
        near, far = _rows_around(image, i, tap), _rows_around(image, i, tap + 1)
        _add_rows(near, far, weights[tap:], middle)
    for j in range(radius):
        blurred[j] = middle[_mirror(j - radius, width)]
        blurred[radius + width + j] = middle[_mirror(width + j, width)]
    for j in range(width):
        out[j] = np.float32(image[i, j]) - weights[0] * middle[j]
    for tap in range(1, radius, 2):
        inner = blurred[radius - tap :], blurred[radius + tap :]
        outer = blurred[radius - tap - 1 :], blurred[radius + tap + 1 :]
        _subtract_sides(inner, outer, weights[tap:], out)


@compiled_float
def _add_moments(a: NDArray[np.float32], b: NDArray[np.float32], sums: NDArray[np.float64]) -> None:
    """Add sums of a, b, a * a, b * b and a * b to `sums` (5,)."""
    sum_a = sum_b = sum_aa = sum_bb = sum_ab = np.float32(0)
    for j in range(a.size):
        x, y = a[j], b[j]
        sum_a += x
        sum_b += y
        sum_aa += x * x
        sum_bb += y * y
        sum_ab += x * y
    sums[0] += sum_a
    sums[1] += sum_b
    sums[2] += sum_aa
    sums[3] += sum_bb
    sums[4] += sum_ab


@compiled
def block_moments(
    a: NDArray[np.uint8], b: NDArray[np.uint8], block: int, weights: Floats
) -> NDArray[np.float64]:
    """Sums of x, y, x * x, y * y and x * y in each whole block, x and y the residuals of `a`, `b`.

    `a` and `b` are (h, w), the result is (h // block, w // block, 5). Both sides must
    be longer than the kernel's radius.
    """
    height, width = a.shape
    moments = np.zeros((height // block, width // block, 5), np.float64)
    blurred = np.empty(width + 2 * (weights.size - 1), np.float32)
    row_a, row_b = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(moments.shape[0] * block):
        _residual(a, i, weights, blurred, row_a)
        _residual(b, i, weights, blurred, row_b)
        for k in range(moments.shape[1]):
            here = slice(k * block, (k + 1) * block)
            _add_moments(row_a[here], row_b[here], moments[i // block, k])
    return moments
