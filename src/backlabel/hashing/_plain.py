"""The loops over pixels in NumPy: the reference for the compiled ones, and their stand-in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing.weights import FRACTION_BITS, HASH_SIDE, SIDE, lanczos

_BLOCK = 16  # outputs that share one product: wide enough for BLAS, narrow enough to skip zeros


def histogram(grey: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each of the 256 levels."""
    return np.bincount(grey.reshape(-1), minlength=256)


def resize(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(SIDE, SIDE), bit for bit as Pillow's LANCZOS."""
    if rows_first(*grey.shape):
        return _narrow(_narrow(grey).T).T
    return _narrow(_narrow(grey.T).T)


def low_rows(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(SIDE, n, SIDE), n images by rows -> (n, HASH_SIDE, SIDE), unnormalised DCT-II.

    SciPy's transform, columns before rows: a product with the cosine matrix is off in the last
    place and flips hundreds of bits where true coefficients are equal (flat, gradient, checker).
    """
    import scipy.fft  # noqa: PLC0415 - only the stand-in needs it

    columns = images.transpose(1, 2, 0).astype(np.float64, order="C")  # in memory as transformed
    low = scipy.fft.dct(columns, axis=2, overwrite_x=True)[..., :HASH_SIDE]
    turned = np.ascontiguousarray(low.transpose(0, 2, 1))
    rows: NDArray[np.float64] = scipy.fft.dct(turned, axis=2, overwrite_x=True)
    return rows


def rows_first(height: int, width: int) -> bool:
    """Whether Pillow 13 shrinks along the rows first.

    It goes down the columns first where the height loses more than twice the pixels that the
    width does. The order shows in the rounding between the passes.
    """
    return height <= SIDE or height - SIDE <= 2 * (width - SIDE)


def _narrow(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) -> (H, SIDE). Products and sums are whole numbers below 2**53: exact in float64."""
    height, width = grey.shape
    if width == SIDE:
        return grey
    weights = lanczos(width)
    pixels = grey.astype(np.float64)
    sums = np.empty((height, SIDE))
    for block in range(0, SIDE, _BLOCK):
        start = int(weights.starts[block])
        outputs = slice(block, block + _BLOCK)
        band = _band(weights.starts[outputs] - start, weights.taps[outputs])
        stop = min(width, start + band.shape[0])
        sums[:, outputs] = pixels[:, start:stop] @ band[: stop - start]
    rounded = (sums.astype(np.int64) + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS
    narrow: NDArray[np.uint8] = np.clip(rounded, 0, 255).astype(np.uint8)
    return narrow


def _band(offsets: NDArray[np.int64], taps: NDArray[np.int32]) -> NDArray[np.float64]:
    band = np.zeros((int(offsets[-1]) + taps.shape[1], len(offsets)))
    for i, offset in enumerate(offsets):
        band[offset : offset + taps.shape[1], i] = taps[i]
    return band
