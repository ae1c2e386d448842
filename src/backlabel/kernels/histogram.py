"""How often each grey level occurs."""

from __future__ import annotations

import numpy as np
from numba import int64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads

LEVELS = 256
_LARGE = 1 << 17  # pixels, for which counters of 65,536 pairs pay


@kernel(reads(uint8, 1), result=int64[::1])
def histogram(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(256,): how many of `pixels` (n,) have each value.

    In large images pairs of neighbours are counted, and then what each level has as the one and as
    the other of a pair. Two counters for each pair, taken in turn: an addition to a counter that
    was just written waits for the write.
    """
    counts = np.zeros(LEVELS, np.int64)
    start = pixels.size // 4 * 4 if pixels.size >= _LARGE else 0
    if start:
        of_pairs = np.zeros((2, LEVELS, LEVELS), np.uint32)
        one, other = of_pairs[0].reshape(-1), of_pairs[1].reshape(-1)
        quads = pixels[:start].view(np.uint32)
        for quad in quads:
            one[quad & 0xFFFF] += np.uint32(1)
            other[quad >> 16] += np.uint32(1)
        for a in range(LEVELS):
            of_level = np.int64(0)
            for b in range(LEVELS):
                found = np.int64(of_pairs[0, a, b]) + np.int64(of_pairs[1, a, b])
                of_level += found
                counts[b] += found
            counts[a] += of_level
    for i in range(start, pixels.size):
        counts[pixels[i]] += 1
    return counts


def histogram_reference(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The same from NumPy."""
    counts: NDArray[np.int64] = np.bincount(pixels, minlength=LEVELS)
    return counts
