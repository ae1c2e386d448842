"""The discrete cosine transform of blocks of 8x8 pixels, as JPEG has it.

X[u, v] = sum over i, j of c(u, i) c(v, j) x[i, j], with c(0, i) = sqrt(1 / 8) and
c(u, i) = sqrt(1 / 4) cos((2 i + 1) u pi / 16): orthonormal (ITU-T T.81, A.3.3, whose factors are
the same). The grey level of 128 that JPEG takes away first only moves X[0, 0].
"""

from __future__ import annotations

import numpy as np
from numba import float32
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads

SIDE = 8
Image = NDArray[np.float32]  # (H, W)
Coefficients = NDArray[np.float32]
"""(H // 8, 8, 8, W // 8): row of blocks, vertical and horizontal frequency, column of blocks."""

_PLACES = np.arange(SIDE)
MATRIX = np.cos((2 * _PLACES + 1) * _PLACES[:, np.newaxis] * np.pi / (2 * SIDE)) / 2
MATRIX[0] = np.sqrt(1 / SIDE)
_WEIGHTS = MATRIX.astype(np.float32)


def block_dct(image: Image) -> Coefficients:
    """The coefficients of the whole blocks of `image` (H, W)."""
    return _block_dct(np.ascontiguousarray(image, np.float32), _WEIGHTS)


def block_dct_reference(image: Image) -> Coefficients:
    """The same from SciPy, in float64."""
    from scipy.fft import dctn  # noqa: PLC0415 - not needed otherwise

    rows, columns = (size // SIDE for size in image.shape)
    whole = image[: rows * SIDE, : columns * SIDE].astype(np.float64)
    blocks = whole.reshape(rows, SIDE, columns, SIDE)
    found = dctn(blocks, axes=(1, 3), norm="ortho").transpose(0, 1, 3, 2)
    return np.ascontiguousarray(found, np.float32)


def inverse(coefficients: Coefficients) -> Image:
    """The image (8 rows, 8 columns of blocks) of `coefficients`."""
    rows, _, _, columns = coefficients.shape
    pixels = np.einsum("ruvc,ui,vj->ricj", coefficients, _WEIGHTS, _WEIGHTS, optimize=True)
    return np.ascontiguousarray(pixels.reshape(rows * SIDE, columns * SIDE))


@kernel(reads(float32, 2), reads(float32, 2), result=float32[:, :, :, ::1])
def _block_dct(image: Image, weights: NDArray[np.float32]) -> Coefficients:
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    found = np.empty((rows, 8, 8, columns), np.float32)
    down = np.empty(8 * columns, np.float32)
    turned = np.empty((8, columns), np.float32)
    for row in range(rows):
        strip = image[8 * row : 8 * row + 8]
        for u in range(8):
            w = weights[u]
            for j in range(8 * columns):
                down[j] = (
                    w[0] * strip[0, j] + w[1] * strip[1, j] + w[2] * strip[2, j]
                    + w[3] * strip[3, j] + w[4] * strip[4, j] + w[5] * strip[5, j]
                    + w[6] * strip[6, j] + w[7] * strip[7, j]
                )  # fmt: skip
            for column in range(columns):
                for i in range(8):
                    turned[i, column] = down[8 * column + i]
            for v in range(8):
                w = weights[v]
                out = found[row, u, v]
                for column in range(columns):
                    out[column] = (
                        w[0] * turned[0, column] + w[1] * turned[1, column]
                        + w[2] * turned[2, column] + w[3] * turned[3, column]
                        + w[4] * turned[4, column] + w[5] * turned[5, column]
                        + w[6] * turned[6, column] + w[7] * turned[7, column]
                    )  # fmt: skip
    return found
