"""What the correlation of two images' fine residuals needs of each block of pixels.

The residual of an image is x = image - G * image, G a Gaussian cut off as
`scipy.ndimage.gaussian_filter` cuts it, the edges mirrored. A block's correlation follows from its
sums of x, y, x x, y y and x y.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import helper, kernel, reads

GreyImage = NDArray[np.uint8]
Floats = NDArray[np.float32]


@kernel(reads(uint8, 2), reads(uint8, 2), int64, reads(float32, 1), result=float64[:, :, ::1])
def block_moments(a: GreyImage, b: GreyImage, block: int, weights: Floats) -> NDArray[np.float64]:
    """Sums of x, y, x x, y y and x y in each whole block, x and y the residuals of `a` and `b`.

    `a` and `b` are (h, w), the result is (h // block, w // block, 5). `weights` are half of the
    symmetric kernel, from its centre outwards; both sides must be longer than that.
    """
    height, width = a.shape
    moments = np.zeros((height // block, width // block, 5), np.float64)
    blurred = np.empty(width + 2 * (weights.size - 1), np.float32)
    x, y = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(moments.shape[0] * block):
        _residual(a, i, weights, blurred, x)
        _residual(b, i, weights, blurred, y)
        for k in range(moments.shape[1]):
            here = slice(k * block, (k + 1) * block)
            _add_moments(x[here], y[here], moments[i // block, k])
    return moments


@helper
def _residual(image: GreyImage, i: int, weights: Floats, blurred: Floats, out: Floats) -> None:
    """Row `i` of `image` (w,) less its blur; `blurred` (w + 2 radius,) is scratch."""
    width, radius = out.size, weights.size - 1
    middle = blurred[radius : radius + width]
    row = image[i]
    for j in range(width):
        middle[j] = weights[0] * np.float32(row[j])
    for tap in range(1, radius + 1):
        weight = weights[tap]
        above = image[_mirrored(i - tap, image.shape[0])]
        below = image[_mirrored(i + tap, image.shape[0])]
        for j in range(width):
            middle[j] += weight * np.float32(np.int32(above[j]) + np.int32(below[j]))
    for j in range(radius):
        blurred[j] = middle[_mirrored(j - radius, width)]
        blurred[radius + width + j] = middle[_mirrored(width + j, width)]
    for j in range(width):
        out[j] = np.float32(row[j]) - weights[0] * middle[j]
    for tap in range(1, radius + 1):
        weight = weights[tap]
        left, right = blurred[radius - tap :], blurred[radius + tap :]
        for j in range(width):
            out[j] -= weight * (left[j] + right[j])


@helper
def _mirrored(i: int, size: int) -> int:
    """The pixel that stands for `i` outside of 0..size - 1: the edges are repeated."""
    if i < 0:
        return -i - 1
    return min(i, 2 * size - 1 - i)


@helper
def _add_moments(x: Floats, y: Floats, moments: NDArray[np.float64]) -> None:
    sum_x = sum_y = sum_xx = sum_yy = sum_xy = np.float32(0)
    for j in range(x.size):
        sum_x += x[j]
        sum_y += y[j]
        sum_xx += x[j] * x[j]
        sum_yy += y[j] * y[j]
        sum_xy += x[j] * y[j]
    moments[0] += sum_x
    moments[1] += sum_y
    moments[2] += sum_xx
    moments[3] += sum_yy
    moments[4] += sum_xy
