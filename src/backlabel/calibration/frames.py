"""Two frames of one field, each with noise of its own: what only looks like a copy.

The field must be known without noise. An image averaged over 2x2 pixels is taken for it: whatever
noise is left in it stands in both frames, as if it were structure, which makes them more alike than
two real scans are. Nothing here is shared with the code that is to tell them apart.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)
Field: TypeAlias = NDArray[np.float64]  # (H // 2, W // 2)

_MIDDLE_GREY = 128.0
_LEAST_GREY = 4.0  # below it counted electrons are too few for the square root to hold
_GAIN = 0.02  # by which the second scan is brighter or darker, at most
_OFFSET = 2.0  # grey levels, likewise


def two_frames(
    grey: Grey, drift: tuple[float, float], sigma: float, seed: int
) -> tuple[Grey, Grey]:
    """The field of `grey` scanned twice, the second time moved by `drift` (rows, columns; pixels).

    The noise is normal and independent from pixel to pixel and frame to frame, of `sigma` grey
    levels at middle grey, growing with the square root of brightness as that of counted electrons.
    """
    random = np.random.default_rng(seed)
    field = averaged(grey)
    moved = ndimage.shift(field, drift, order=3, mode="reflect") if any(drift) else field
    gain, offset = random.uniform(1 - _GAIN, 1 + _GAIN), random.uniform(-_OFFSET, _OFFSET)
    first, second = (scanned(one, sigma, random) for one in (field, moved * gain + offset))
    return first, second


def averaged(grey: Grey) -> Field:
    """`grey` in half its size, each pixel the mean of four."""
    rows, columns = (size // 2 for size in grey.shape)
    whole = grey[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    mean: Field = whole.mean(axis=(1, 3), dtype=np.float64)
    return mean


def scanned(field: Field, sigma: float, random: np.random.Generator) -> Grey:
    """`field` with noise, rounded and clipped."""
    level = sigma * np.sqrt(np.clip(field, _LEAST_GREY, None) / _MIDDLE_GREY)
    noisy = field + random.standard_normal(field.shape) * level
    grey: Grey = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return grey
