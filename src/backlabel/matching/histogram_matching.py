"""Giving one image the grey values of another, before the two are compared."""

from __future__ import annotations

import numpy as np

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
    counts, wanted = histogram(image), histogram(reference)
    values = np.flatnonzero(wanted)
    shares = np.cumsum(wanted)[values] / wanted.sum()
    table = np.interp(np.cumsum(counts) / counts.sum(), shares, values)
    return through(np.rint(table).astype(np.uint8), image)


def match_histogram_reference(image: GreyImage, reference: GreyImage) -> GreyImage:
    """The same from scikit-image."""
    from skimage.exposure import match_histograms  # noqa: PLC0415 - slow to import

    matched: GreyImage = np.rint(match_histograms(image, reference)).astype(np.uint8)
    return matched
