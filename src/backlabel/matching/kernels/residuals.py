"""Correlation of two images' fine residuals (x less its Gaussian blur), block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.kernels._blur import LANES, add_moments, blur_down
from backlabel.matching.kernels.compiled import compiled

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
    moments = np.zeros((height // block, width // block, 5), np.float64)
    blurred = np.empty((2, width + 2 * len(weights)), np.float32)
    sums = np.empty((moments.shape[1], 5, LANES), np.float32)
    for i in range(moments.shape[0]):
        sums[:] = 0
        for row in range(i * block, (i + 1) * block):
            _add_row((a, b), row, blurred, weights, block, sums)
        for k in range(moments.shape[1]):
            for moment in range(5):
                for lane in range(LANES):
                    moments[i, k, moment] += sums[k, moment, lane]
    return moments


@compiled
def _add_row(  # noqa: PLR0917
    images: Images, row: int, blurred: NDArray[np.float32], weights: Weights, block: int, sums: Any
) -> None:
    """Add the moments of one row to `sums` (blocks, 5, LANES); `blurred` is scratch."""
    a, b = images
    radius, width = len(weights) - 1, a.shape[1]
    blur_down(a, row, weights, blurred[0], radius)  # type: ignore[call-arg]
    blur_down(b, row, weights, blurred[1], radius)
    for image in range(2):
        for j in range(radius):  # the edges are repeated
            blurred[image, j] = blurred[image, 2 * radius - 1 - j]
            blurred[image, radius + width + j] = blurred[image, radius + width - 1 - j]
    for k in range(sums.shape[0]):
        add_moments(a, b, row, blurred[0], blurred[1], weights, k * block, block, sums[k])
