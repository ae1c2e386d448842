"""Giving one image the grey values of another, before the two are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import histogram
from backlabel.images import GreyImage
from backlabel.images.luma import through
from backlabel.matching.grey import check_grey


def match_histogram(image: GreyImage, reference: GreyImage) -> GreyImage:
    """`image` (H, W) with the histogram of `reference` (of any size), by a lookup table.

    Each value goes to the value of the same cumulative share in `reference`, interpolated and
    rounded to the nearest integer (ties to even): scikit-image's `match_histograms`, as bytes.
    Raises ValueError for an empty or other than 8-bit grey image.
    """
    shares, _ = _cumulative(image)
    wanted, values = _cumulative(reference)
    table = np.interp(shares, wanted[values], values)
    return through(np.rint(table).astype(np.uint8), image)


def match_histogram_reference(image: GreyImage, reference: GreyImage) -> GreyImage:
    """The same from scikit-image."""
    from skimage.exposure import match_histograms  # noqa: PLC0415 - slow to import

    matched: GreyImage = np.rint(match_histograms(image, reference)).astype(np.uint8)
    return matched


def _cumulative(image: GreyImage) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of pixels up to each of the 256 values, and the values that occur."""
    check_grey(image)
    counts = histogram(image)
    return np.cumsum(counts) / image.size, np.flatnonzero(counts)
