"""How often each grey level occurs."""

from __future__ import annotations

import numpy as np
from numba import int64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads

LEVELS = 256


@kernel(reads(uint8, 1), result=int64[::1])
def histogram(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(256,): how many of `pixels` (n,) have each value.

    Four counters for each value, taken in turn: neighbours are often equal, and an addition to a
    counter that was just written waits for the write.
    """
    counts = np.zeros((4, LEVELS), np.int64)
    whole = pixels.size // 4 * 4
    for i in range(0, whole, 4):
        counts[0, pixels[i]] += 1
        counts[1, pixels[i + 1]] += 1
        counts[2, pixels[i + 2]] += 1
        counts[3, pixels[i + 3]] += 1
    for i in range(whole, pixels.size):
        counts[0, pixels[i]] += 1
    total: NDArray[np.int64] = counts[0] + counts[1] + counts[2] + counts[3]
    return total


def histogram_reference(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The same from NumPy."""
    counts: NDArray[np.int64] = np.bincount(pixels, minlength=LEVELS)
    return counts
