"""One lookup table for histogram equalisation and autocontrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.kernels.histogram import LEVELS
from backlabel.kernels.histogram import histogram as count
from backlabel.kernels.lookup import through

GreyImage = NDArray[np.uint8]
"""(H, W)."""


def histogram(grey: GreyImage) -> NDArray[np.int64]:
    """Pixels of each of the 256 grey levels."""
    return count(np.ascontiguousarray(grey).reshape(-1))


def standardise(grey: GreyImage) -> GreyImage:
    """`grey` equalised, then stretched to 0..255.

    Bit for bit `PIL.ImageOps.autocontrast(PIL.ImageOps.equalize(image))` of a mode L image.
    """
    return through(standard_table(histogram(grey)), grey)


def standard_table(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The lookup table, (256,), that standardises an image with these pixel counts."""
    equalised = _equalising(counts)
    used = np.flatnonzero(counts)
    if not used.size:
        return equalised
    low, high = int(equalised[used[0]]), int(equalised[used[-1]])  # it never falls
    if (low, high) == (0, LEVELS - 1):  # nothing is left to stretch
        return equalised
    return _stretching(low, high)[equalised]


def _equalising(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Integer steps as Pillow takes them: the brightest level used does not count."""
    used = np.flatnonzero(counts)
    total = int(counts.sum())
    step = (total - int(counts[used[-1]])) // (LEVELS - 1) if used.size > 1 else 0
    if not step:
        return np.arange(LEVELS, dtype=np.uint8)
    below = np.cumsum(counts) - counts
    table: NDArray[np.uint8] = np.minimum((step // 2 + below) // step, LEVELS - 1).astype(np.uint8)
    return table


def _stretching(low: int, high: int) -> NDArray[np.uint8]:
    levels = np.arange(LEVELS)
    if high <= low:
        return levels.astype(np.uint8)
    scale = (LEVELS - 1) / (high - low)
    stretched = (levels * scale + -low * scale).astype(np.int64)
    return np.clip(stretched, 0, LEVELS - 1).astype(np.uint8)
