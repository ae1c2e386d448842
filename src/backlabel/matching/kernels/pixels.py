"""Histograms, lookup tables and resampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.kernels.compiled import add, compiled, mul


@compiled
def resample_rows(
    image: NDArray[np.uint8],
    first: NDArray[np.int64],
    weights: NDArray[np.int32],
    bits: int,
    out: NDArray[np.uint8],
) -> None:
    """Each row of `out` as the weighted rows of `image` from `first` on; weights (rows, taps).

    The weights of a row add up to 2**`bits`. All sums fit 32 bits, since the weights' magnitudes
    add up to less than twice that (bits = 22, a byte more, and the sign).
    """
    total = np.empty(image.shape[1], np.int32)
    for i in range(out.shape[0]):
        total[:] = 1 << (bits - 1)
        for tap in range(weights.shape[1]):
            if weights[i, tap]:
                _add_scaled(image[first[i] + tap], weights[i, tap], total)
        for j in range(total.size):
            out[i, j] = min(max(total[j] >> bits, 0), 255)


@compiled
def _add_scaled(row: NDArray[np.uint8], weight: np.int32, total: NDArray[np.int32]) -> None:
    for j in range(total.size):
        total[j] = add(total[j], mul(np.int32(row[j]), weight))


@compiled
def histogram(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of the 256 values occurs in `image` (h, w).

    Four counters side by side: a run of equal pixels would otherwise wait for its own additions.
    """
    counts = np.zeros((4, 256), np.int64)
    for i in range(image.shape[0]):
        row = image[i]
        whole = row.size // 4 * 4
        for j in range(0, whole, 4):
            counts[0, row[j]] += 1
            counts[1, row[j + 1]] += 1
            counts[2, row[j + 2]] += 1
            counts[3, row[j + 3]] += 1
        for j in range(whole, row.size):
            counts[0, row[j]] += 1
    total: NDArray[np.int64] = counts.sum(axis=0)
    return total


@compiled
def look_up(image: NDArray[np.uint8], table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """`table` (256,) at every pixel of `image` into `out`, both (h, w)."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = table[image[i, j]]
