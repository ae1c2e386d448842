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

    Eight counters for each value, taken in turn: neighbours are often equal, and an addition to a
    counter that was just written waits for the write.
    """
    counts = np.zeros((8, LEVELS), np.int64)
    a, b, c, d = counts[0], counts[1], counts[2], counts[3]
    e, f, g, h = counts[4], counts[5], counts[6], counts[7]
    whole = pixels.size // 8 * 8
    for i in range(0, whole, 8):
        a[pixels[i]] += 1
        b[pixels[i + 1]] += 1
        c[pixels[i + 2]] += 1
        d[pixels[i + 3]] += 1
        e[pixels[i + 4]] += 1
        f[pixels[i + 5]] += 1
        g[pixels[i + 6]] += 1
        h[pixels[i + 7]] += 1
    for i in range(whole, pixels.size):
        a[pixels[i]] += 1
    for value in range(LEVELS):  # `counts.sum(axis=0)` would take two seconds to compile
        for other in range(1, 8):
            a[value] += counts[other, value]
    total: NDArray[np.int64] = a
    return total


def histogram_reference(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The same from NumPy."""
    counts: NDArray[np.int64] = np.bincount(pixels, minlength=LEVELS)
    return counts
