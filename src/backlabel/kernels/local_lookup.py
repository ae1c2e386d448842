"""Grey values through tables that change from place to place.

Tables stand on a square grid of `step` pixels; a pixel's value is interpolated between those of
the four tables around it (bilinear).
"""

from __future__ import annotations

import numpy as np
from numba import float32, int64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads

Tables = NDArray[np.float32]  # (rows, columns, 256)


@kernel(reads(uint8, 2), reads(float32, 3), int64, result=float32[:, ::1])
def local_lookup(image: NDArray[np.uint8], tables: Tables, step: int) -> NDArray[np.float32]:
    """(H, W): `image` through `tables`, of which there are H // step + 2 by W // step + 2."""
    height, width = image.shape
    out = np.empty((height, width), np.float32)
    for i in range(height):
        row, down = i // step, np.float32((i % step) / step)
        for j in range(width):
            column, right = j // step, np.float32((j % step) / step)
            value = image[i, j]
            upper = (
                tables[row, column, value] * (1 - right) + tables[row, column + 1, value] * right
            )
            lower = (
                tables[row + 1, column, value] * (1 - right)
                + tables[row + 1, column + 1, value] * right
            )
            out[i, j] = upper * (1 - down) + lower * down
    return out


def local_lookup_reference(
    image: NDArray[np.uint8], tables: Tables, step: int
) -> NDArray[np.float32]:
    """The same from SciPy."""
    from scipy.ndimage import map_coordinates  # noqa: PLC0415 - not needed otherwise

    rows, columns = np.indices(image.shape)
    places = (rows / step, columns / step, image)
    found = map_coordinates(tables.astype(np.float64), places, order=1, mode="nearest")
    return found.astype(np.float32)
