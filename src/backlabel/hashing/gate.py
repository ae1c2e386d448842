"""Which images carry too little information for their hash to mean anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TINY = "tiny"
FLAT = "flat"
NOISE = "noise"
FINE = ""

MIN_SIDE = 32  # pixels: below, the 32x32 frequencies of the hash are not even in the image


def information(shape: tuple[int, ...], counts: NDArray[np.int64], small: NDArray[np.uint8]) -> str:
    """TINY, FLAT, NOISE or FINE, for an image of `shape` with these pixel `counts`."""
    if min(shape) < MIN_SIDE:
        return TINY
    if counts.max() == counts.sum() or small.max() == small.min():
        return FLAT
    return FINE
