"""The plain chain that `scores.FAST` and `search.nearest` must equal: public libraries, slowly.

SSIM comes from scikit-image, cosine transforms from SciPy, resizing from
Pillow, hashes from Pillow, imagehash and SciPy; `search.nearest_reference` goes with them.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from backlabel.hashing import reference as hashing
from backlabel.hashing.bits import HASH_SIDE, SIDE
from backlabel.images import GreyImage, encoding
from backlabel.kernels.block_dct import block_dct_reference
from backlabel.kernels.commonest import commonest_reference
from backlabel.kernels.reproduced import reproduced_reference
from backlabel.matching import verify as verification
from backlabel.matching.coefficients import Arithmetic
from backlabel.matching.scores import Measures, Registered
from backlabel.matching.ssim import Window, ssim_reference
from backlabel.matching.variants import Block
from backlabel.matching.verify import Verified

_PLAIN = Arithmetic(block_dct_reference, reproduced_reference, commonest_reference)


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


def verify(
    tiff: GreyImage, jpeg: GreyImage, table: encoding.Table | None, *, scale: float = 1.0
) -> Verified:
    """As `verify.verify`, with transforms by SciPy and counts by NumPy."""
    return verification.verify(tiff, jpeg, table, _PLAIN, scale=scale)


def _ssim_standardised(pair: Registered, window: Window) -> float:
    tiff, jpeg = hashing.standardise(pair.tiff), hashing.standardise(pair.jpeg)
    shape = max(tiff.shape, jpeg.shape, key=lambda shape: (shape[0] * shape[1], shape[0]))
    return ssim_reference(resize(tiff, shape), resize(jpeg, shape), window=window)


REFERENCE = Measures(
    resize=resize,
    ssim_standardised=_ssim_standardised,
    verify=verify,
    frequencies=frequencies,
    hash_image=hashing.hash_image,
)
