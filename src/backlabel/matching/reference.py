"""The plain chain that `scores.FAST` and `search.nearest` must equal: public libraries, slowly.

SSIM and histogram matching come from scikit-image, noise correlation from SciPy, resizing from
Pillow, hashes from Pillow, imagehash and SciPy; `search.nearest_reference` goes with them.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from backlabel.hashing import reference as hashing
from backlabel.hashing.bits import HASH_SIDE, SIDE
from backlabel.images import GreyImage, encoding
from backlabel.matching.histogram_matching import match_histogram_reference
from backlabel.matching.noise_correlation import block_correlation_reference
from backlabel.matching.recompression import block_side
from backlabel.matching.scores import Measures, Registered
from backlabel.matching.ssim import Window, ssim_reference
from backlabel.matching.variants import Block


def frequencies(grey: GreyImage) -> Block:
    """As `hashing.frequencies`: (2, 32, 32), of the standardised and of the grey image."""
    images = hashing.standardise(grey), grey
    small = np.stack([resize(image, (SIDE, SIDE)) for image in images]).astype(np.float64)
    return scipy.fft.dct(scipy.fft.dct(small, axis=1), axis=2)[:, :HASH_SIDE, :HASH_SIDE]


def resize(image: GreyImage, shape: tuple[int, ...]) -> GreyImage:
    """`image` (H, W) resampled to `shape` by Pillow's Lanczos filter."""
    if image.shape == tuple(shape):
        return image
    return encoding.resized(image, shape[0], shape[1], encoding.Resampling.LANCZOS)


def correlation(a: GreyImage, b: GreyImage) -> float | None:
    """As `recompression.correlation`, for images of one shape."""
    block = block_side(a, b)
    if min(a.shape) < block:
        return None
    try:
        return block_correlation_reference(a, b, block=block)
    except ValueError:  # no block varies in both images
        return None


def _ssim_standardised(pair: Registered, window: Window) -> float:
    tiff, jpeg = hashing.standardise(pair.tiff), hashing.standardise(pair.jpeg)
    shape = max(tiff.shape, jpeg.shape, key=lambda shape: (shape[0] * shape[1], shape[0]))
    return ssim_reference(resize(tiff, shape), resize(jpeg, shape), window=window)


def _ssim_matched(pair: Registered) -> float:
    return ssim_reference(pair.small, match_histogram_reference(pair.jpeg, pair.small))


REFERENCE = Measures(
    resize=resize,
    ssim_standardised=_ssim_standardised,
    ssim_matched=_ssim_matched,
    correlation=correlation,
    frequencies=frequencies,
    hash_image=hashing.hash_image,
)
