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
    symmetric kernel, from its centre outwards, an odd number of them; both sides must be as long.
    """
    height, width = a.shape
    radius = weights.size - 1
    moments = np.zeros((height // block, width // block, 5), np.float64)
    rows_a = np.empty((2 * radius + 1, width), np.float32)
    rows_b = np.empty((2 * radius + 1, width), np.float32)
    blurred = np.empty(width + 2 * radius, np.float32)
    x, y = np.empty(width, np.float32), np.empty(width, np.float32)
    columns = np.zeros((5, width), np.float32)
    for i in range(-radius, moments.shape[0] * block):
        _load(a, i + radius, rows_a)
        _load(b, i + radius, rows_b)
        if i >= 0:
            _residual(rows_a, i, height, weights, blurred, x)
            _residual(rows_b, i, height, weights, blurred, y)
            _add_products(x, y, columns)
            if i % block == block - 1:
                _add_up(columns, block, moments[i // block])
                columns[:] = 0
    return moments


@helper
def _load(image: GreyImage, i: int, rows: NDArray[np.float32]) -> None:
    """Row `i` of `image`, if there is one, to its place in `rows`: each is converted once."""
    if i < image.shape[0]:
        row, out = image[i], rows[i % rows.shape[0]]
        for j in range(out.size):
            out[j] = np.float32(row[j])


@helper
def _residual(  # noqa: PLR0917
    rows: NDArray[np.float32], i: int, height: int, weights: Floats, blurred: Floats, out: Floats
) -> None:
    """Row `i` of an image of `height` rows (w,) less its blur, from the `rows` around it.

    `blurred` (w + 2 radius,) is scratch. Two taps at once, so that sums are seldom loaded and
    stored.
    """
    width, radius = out.size, weights.size - 1
    middle = blurred[radius : radius + width]
    row = rows[i % rows.shape[0]]
    for j in range(width):
        middle[j] = weights[0] * row[j]
    for tap in range(1, radius, 2):
        near, far = weights[tap], weights[tap + 1]
        up, down = _row(rows, i - tap, height), _row(rows, i + tap, height)
        higher, lower = _row(rows, i - tap - 1, height), _row(rows, i + tap + 1, height)
        for j in range(width):
            middle[j] += near * (up[j] + down[j]) + far * (higher[j] + lower[j])
    for j in range(radius):
        blurred[j] = middle[_mirrored(j - radius, width)]
        blurred[radius + width + j] = middle[_mirrored(width + j, width)]
    for j in range(width):
        out[j] = row[j] - weights[0] * middle[j]
    for tap in range(1, radius, 2):
        near, far = weights[tap], weights[tap + 1]
        left, right = blurred[radius - tap :], blurred[radius + tap :]
        lefter, righter = blurred[radius - tap - 1 :], blurred[radius + tap + 1 :]
        for j in range(width):
            out[j] -= near * (left[j] + right[j]) + far * (lefter[j] + righter[j])


@helper
def _row(rows: NDArray[np.float32], i: int, height: int) -> Floats:
    row: Floats = rows[_mirrored(i, height) % rows.shape[0]]
    return row


@helper
def _mirrored(i: int, size: int) -> int:
    """The pixel that stands for `i` outside of 0..size - 1: the edges are repeated."""
    if i < 0:
        return -i - 1
    return min(i, 2 * size - 1 - i)


@helper
def _add_products(x: Floats, y: Floats, columns: NDArray[np.float32]) -> None:
    """Add x, y, x x, y y and x y of one row to those of the rows above it in a block."""
    sum_x, sum_y = columns[0], columns[1]
    sum_xx, sum_yy, sum_xy = columns[2], columns[3], columns[4]
    for j in range(x.size):
        sum_x[j] += x[j]
        sum_y[j] += y[j]
        sum_xx[j] += x[j] * x[j]
        sum_yy[j] += y[j] * y[j]
        sum_xy[j] += x[j] * y[j]


@helper
def _add_up(columns: NDArray[np.float32], block: int, moments: NDArray[np.float64]) -> None:
    """The sums of each block, (w // block, 5), from those of its columns."""
    for k in range(moments.shape[0]):
        for moment in range(5):
            total = 0.0
            for j in range(k * block, (k + 1) * block):
                total += columns[moment, j]
            moments[k, moment] = total
