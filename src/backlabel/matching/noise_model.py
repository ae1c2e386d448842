"""An image separated into what was seen and the noise, as far as one image tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage

Plane: TypeAlias = NDArray[np.float32]  # (H, W)

_SIGMA = 1.2  # pixels of the blur that leaves noise behind
_OUTLIER = 4.0  # standard deviations; beyond it a residual is an edge
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_BINS = 32  # of brightness; the noise of counted electrons grows with it
_LEAST_PIXELS = 256  # in a bin, for its level to count


@dataclass(frozen=True)
class Separated:
    """Parts of an image: it is about `clean + level * noise`."""

    clean: Plane
    noise: Plane
    """In standard deviations, at most 4."""
    level: Plane
    """Standard deviation of the noise in grey levels, by brightness."""


def separate(grey: GreyImage) -> Separated:
    """Separate `grey`. The level is robust (median), so that edges do not count as noise."""
    from scipy import ndimage  # noqa: PLC0415 - slow to import, and only doubtful pairs need it

    original = grey.astype(np.float32)
    clean = ndimage.gaussian_filter(original, _SIGMA)
    residual = original - clean
    level = _levels(clean, residual)
    noise = np.clip(residual / np.maximum(level, np.float32(1e-6)), -_OUTLIER, _OUTLIER)
    return Separated(clean, noise.astype(np.float32), level)


def rejoined(clean: Plane, noise: Plane, level: Plane) -> GreyImage:
    """An image of these parts, rounded and clipped."""
    image: GreyImage = np.clip(np.rint(clean + level * noise), 0, 255).astype(np.uint8)
    return image


def _levels(clean: Plane, residual: Plane) -> Plane:
    bins = (clean * (_BINS / 256)).astype(np.intp).ravel()
    order = np.argsort(bins, kind="stable")
    ends = np.cumsum(np.bincount(bins, minlength=_BINS))
    sizes = np.abs(residual).ravel()[order]
    known, found = [], []
    for number, (start, stop) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        if stop - start >= min(_LEAST_PIXELS, clean.size // _BINS):
            known.append((number + 0.5) * 256 / _BINS)
            found.append(_MAD_TO_SIGMA * float(np.median(sizes[start:stop])))
    return np.interp(clean, known, found).astype(np.float32)
