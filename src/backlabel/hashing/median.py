"""Medians of rows in a third of the time of `np.median`, which minds NaN, masks and axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, even) -> (n,), bit for bit as `np.median(values, axis=1)` of finite numbers."""
    upper = values.shape[1] // 2
    parted = np.partition(values, (upper - 1, upper), axis=1)
    middle: NDArray[np.float64] = (parted[:, upper - 1] + parted[:, upper]) / 2
    return middle
