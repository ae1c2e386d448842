"""How often the commonest grey value of each square of an image occurs."""

from __future__ import annotations

import numpy as np
from numba import int64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads


@kernel(reads(uint8, 2), int64, result=int64[:, ::1])
def commonest(image: NDArray[np.uint8], side: int) -> NDArray[np.int64]:
    """(H // side, W // side): how many pixels of each whole square have its commonest value."""
    found = np.zeros((image.shape[0] // side, image.shape[1] // side), np.int64)
    counts = np.zeros(256, np.int64)
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            counts[:] = 0
            for i in range(row * side, (row + 1) * side):
                for j in range(column * side, (column + 1) * side):
                    counts[image[i, j]] += 1
            most = 0
            for value in range(256):
                most = max(most, counts[value])
            found[row, column] = most
    return found


def commonest_reference(image: NDArray[np.uint8], side: int) -> NDArray[np.int64]:
    """The same from NumPy."""
    rows, columns = (size // side for size in image.shape)
    squares = image[: rows * side, : columns * side].reshape(rows, side, columns, side)
    flat = squares.transpose(0, 2, 1, 3).reshape(rows * columns, side * side)
    most = [np.bincount(square).max() for square in flat]
    return np.array(most, np.int64).reshape(rows, columns)
