"""Giving one image the grey values of another, before the two are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import histogram
from backlabel.images import GreyImage
from backlabel.images.luma import check_grey
from backlabel.kernels.lookup import through


def match_histogram(image: GreyImage, reference: GreyImage) -> GreyImage:
    """`image` (H, W) with the histogram of `reference` (of any size), by a lookup table.

    Each value goes to the value of the same cumulative share in `reference`, interpolated and
    rounded to the nearest integer (ties to even): scikit-image's `match_histograms`, as bytes.
    Raises ValueError for an empty or other than 8-bit grey image.
    """
    for grey in (image, reference):
        check_grey(grey)
    return through(matching_table(histogram(image), histogram(reference)), image)


def matching_table(counts: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The table (256,) that `match_histogram` uses, from the histograms of both images."""
    shares = np.cumsum(wanted) / wanted.sum()
    values = np.flatnonzero(wanted)
    table = np.interp(np.cumsum(counts) / counts.sum(), shares[values], values)
    rounded: NDArray[np.uint8] = np.rint(table).astype(np.uint8)
    return rounded


def match_histogram_reference(image: GreyImage, reference: GreyImage) -> GreyImage:
    """The same from scikit-image."""
    from skimage.exposure import match_histograms  # noqa: PLC0415 - slow to import

    matched: GreyImage = np.rint(match_histograms(image, reference)).astype(np.uint8)
    return matched
