"""Curves that give an image the grey values of its copy: one for all, or one for each place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.kernels.local_lookup import Tables

Curve: TypeAlias = NDArray[np.float32]  # (256,), grey value to grey value of the copy
Picture: TypeAlias = NDArray[np.float32]  # (H, W)

_LEVELS = 256
_RISE = 4  # grey levels to both sides over which the slope of a curve is taken, as of noise
_LEAST_PIXELS = 16  # of one grey value, for its place in the curve to count
_MIDDLE = (0.25, 0.75)  # of what a grey value became: the rest may be annotation
_STEPS = (4, 16)  # pixels between the curves of neighbouring places, in small and large images
_PLACES = 48  # along the shorter side: CLAHE has eight tiles there, and goes over between them
_BLUR = 0.8  # steps and grey levels over which neighbouring curves are one
_STIFFNESS = 0.02  # squared grey levels: where one value alone is known, the curve is flat there


def curve(image: GreyImage, copy: GreyImage) -> Curve:
    """What each grey value of `image` became in `copy`, of the same shape.

    The mean of the middle half of what its pixels became, so that a swapped databar does not bend
    it; it need not rise, since a colour map's brightness need not. Values that hardly occur are
    interpolated.
    """
    pairs = image.astype(np.intp) * _LEVELS + copy
    joint = np.bincount(pairs.ravel(), minlength=_LEVELS**2).reshape(_LEVELS, _LEVELS)
    counts, below = joint.sum(axis=1), joint.cumsum(axis=1)
    low, high = (counts[:, np.newaxis] * share for share in _MIDDLE)
    middle = np.clip(np.minimum(below, high) - np.maximum(below - joint, low), 0, None)
    known = np.flatnonzero(counts >= min(_LEAST_PIXELS, counts.max()))
    means = middle[known] @ np.arange(_LEVELS) / middle[known].sum(axis=1)
    found: Curve = np.interp(np.arange(_LEVELS), known, means).astype(np.float32)
    return found


def slope(toned: Callable[[GreyImage], Picture], image: GreyImage) -> float:
    """By how much `toned` makes small differences of grey values in `image` larger or smaller.

    The median over its pixels: so much of an image's noise is left.
    """
    brighter = np.minimum(image, _LEVELS - 1 - _RISE) + np.uint8(_RISE)
    darker = np.maximum(image, _RISE) - np.uint8(_RISE)
    return float(np.median(np.abs(toned(brighter) - toned(darker)))) / (2 * _RISE)


def local_step(shape: tuple[int, ...]) -> int:
    """Pixels between the curves of neighbouring places in a picture of this shape."""
    return int(np.clip(min(shape) // _PLACES, *_STEPS))


def local_curves(image: GreyImage, copy: Picture, step: int) -> Tables:
    """Curves that give `image` the grey values of `copy` and change from place to place.

    Local histogram equalisation (CLAHE) makes such copies. Around each point of a grid the values
    of `copy` are averaged by the grey value of `image`, and a straight line laid through those of
    neighbouring values. `step` is that of `local_step`.
    """
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - slow to import, seldom needed

    rows, columns = (size // step + 2 for size in image.shape)
    row, column = ((np.arange(size) + step // 2) // step for size in image.shape)
    place = (row[:, np.newaxis] * columns + column[np.newaxis]) * _LEVELS + image
    shape = (rows, columns, _LEVELS)

    def summed(weights: NDArray[np.floating] | None) -> NDArray[np.float32]:
        sums = np.bincount(place.ravel(), weights, minlength=rows * columns * _LEVELS)
        return sums.reshape(shape).astype(np.float32)

    count, sum_y = summed(None), summed(copy.ravel())
    x = np.arange(_LEVELS, dtype=np.float32)
    one, of_x, of_y, of_xx, of_xy = (
        gaussian_filter(cells, _BLUR)
        for cells in (count, count * x, sum_y, count * x * x, sum_y * x)
    )
    one = np.maximum(one, np.float32(1e-6))
    mean_x, mean_y = of_x / one, of_y / one
    variance = np.maximum(of_xx / one - mean_x * mean_x, 0) + np.float32(_STIFFNESS)
    steepness = (of_xy / one - mean_x * mean_y) / variance
    tables: Tables = (mean_y + steepness * (x - mean_x)).astype(np.float32)
    return tables
