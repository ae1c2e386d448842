"""Resampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.kernels.compiled import add, compiled, mul


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
