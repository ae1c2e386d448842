"""Correlation of two images' fine residuals (x less its Gaussian blur), block by block."""

from __future__ import annotations

import numpy as np
from numba.np.unsafe.ndarray import to_fixed_tuple
from numpy.typing import NDArray

from backlabel.matching.kernels.compiled import add, compiled, compiled_float

Weights = tuple[np.float32, ...]
"""Half of a symmetric kernel, from its centre outwards. A tuple, so that its length is known when
the loop over it is compiled and disappears."""


@compiled_float
def _blur_down(
    pixels: NDArray[np.uint8],
    above: tuple[int, ...],
    below: tuple[int, ...],
    weights: Weights,
    out: NDArray[np.float32],
) -> None:
    """Weighted sum of rows of an image laid out flat, whose first pixels are at the offsets."""
    for j in range(out.size):
        total = weights[0] * np.float32(pixels[above[0] + j])
        for tap in range(1, len(weights)):
            up, down = pixels[above[tap] + j], pixels[below[tap] + j]
            both = add(np.uint16(up), np.uint16(down))
            total += weights[tap] * np.float32(both)
        out[j] = total


@compiled_float
def _residual_along(
    row: NDArray[np.uint8], blurred: NDArray[np.float32], weights: Weights, out: NDArray[np.float32]
) -> None:
    """`row` (w,) less the rest of its blur, from `blurred` (w + 2 r,) mirrored at both ends."""
    radius = len(weights) - 1
    for j in range(out.size):
        total = weights[0] * blurred[radius + j]
        for tap in range(1, len(weights)):
            total += weights[tap] * (blurred[radius + j - tap] + blurred[radius + j + tap])
        out[j] = np.float32(row[j]) - total


@compiled
def _residual(
    pixels: NDArray[np.uint8],
    height: int,
    i: int,
    weights: Weights,
    blurred: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Row `i` of the residual of a flat image. The image is mirrored at its edges, edges twice."""
    width, radius = out.size, len(weights) - 1
    above, below = np.empty(len(weights), np.int64), np.empty(len(weights), np.int64)
    for tap in range(len(weights)):
        above[tap] = (i - tap if i >= tap else tap - i - 1) * width
        below[tap] = (i + tap if i + tap < height else 2 * height - 1 - i - tap) * width
    _blur_down(
        pixels,
        to_fixed_tuple(above, len(weights)),
        to_fixed_tuple(below, len(weights)),
        weights,
        blurred[radius : radius + width],
    )
    for j in range(radius):
        blurred[radius - 1 - j] = blurred[radius + j]
        blurred[radius + width + j] = blurred[radius + width - 1 - j]
    _residual_along(pixels[i * width : (i + 1) * width], blurred, weights, out)


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
    a: NDArray[np.uint8], b: NDArray[np.uint8], block: int, weights: Weights
) -> NDArray[np.float64]:
    """Sums of a, b, a * a, b * b and a * b of both residuals in each whole block of `a`, `b` (h, w).

    Shape (h // block, w // block, 5). Both sides must be longer than the kernel's radius.
    """
    height, width = a.shape
    moments = np.zeros((height // block, width // block, 5), np.float64)
    flat_a, flat_b = a.ravel(), b.ravel()
    blurred = np.empty(width + 2 * len(weights), np.float32)
    row_a, row_b = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(moments.shape[0] * block):
        _residual(flat_a, height, i, weights, blurred, row_a)
        _residual(flat_b, height, i, weights, blurred, row_b)
        for k in range(moments.shape[1]):
            here = slice(k * block, (k + 1) * block)
            _add_moments(row_a[here], row_b[here], moments[i // block, k])
    return moments
