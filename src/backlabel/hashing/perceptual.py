"""1,024-bit perceptual hashes, bit for bit as `imagehash.phash(image, hash_size=32)` has them."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from backlabel.hashing.bits import HASH_SIDE, SIDE, Bits, Hashes
from backlabel.hashing.information import information
from backlabel.hashing.levels import GreyImage, histogram, standard_table
from backlabel.images.luma import check_grey
from backlabel.kernels.lookup import through
from backlabel.kernels.resize import height_first, resize, resize_columns, transposed

_SHAPE = (SIDE, SIDE)


def phash(grey: GreyImage) -> Bits:
    """The hash of `grey` as it is (standardise it first for the standardised hash)."""
    check_grey(grey)
    bits: Bits = _bits(low_rows(resize(grey, _SHAPE)[np.newaxis]))[0]
    return bits


def hash_image(grey: GreyImage) -> Hashes:
    """Both hashes of `grey` (H, W), and whether it carries the information to match by them."""
    rows = _both_rows(grey)
    standardised, plain = _bits(rows)
    return Hashes(standardised, plain, information(grey.shape, rows[1]))


def frequencies(grey: GreyImage) -> NDArray[np.float64]:
    """(2, 32, 32): the DCT blocks that the standardised and the grey hash are made from."""
    return _both_rows(grey)[:, :, :HASH_SIDE]


def hash_of(block: NDArray[np.float64]) -> Bits:
    """The hash of a DCT block (32, 32)."""
    bits: Bits = _bits(block[np.newaxis])[0]
    return bits


def low_rows(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, SIDE, SIDE) -> (n, HASH_SIDE, SIDE): the lowest rows of their unnormalised DCT-II.

    SciPy's transform, columns before rows, as imagehash has it: a product with the cosine matrix
    is off in the last place and flips hundreds of bits where true coefficients are equal (flat,
    gradient, checker).
    """
    columns = thumbnails.transpose(0, 2, 1).astype(np.float64, order="C")
    low = scipy.fft.dct(columns, axis=2, overwrite_x=True)[..., :HASH_SIDE]
    transposed = np.ascontiguousarray(low.transpose(0, 2, 1))
    rows: NDArray[np.float64] = scipy.fft.dct(transposed, axis=2, overwrite_x=True)
    return rows


def _both_rows(grey: GreyImage) -> NDArray[np.float64]:
    """`low_rows` of the standardised image and of `grey` itself."""
    check_grey(grey)
    return low_rows(_thumbnails(grey, standard_table(histogram(grey))))


def _thumbnails(grey: GreyImage, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(2, SIDE, SIDE): `resize` of `table[grey]` and of `grey`."""
    if height_first(grey.shape, _SHAPE):
        return np.stack([resize(through(table, grey), _SHAPE), resize(grey, _SHAPE)])
    columns = transposed(grey)  # for both images: it takes a tenth of hashing
    both = through(table, columns), columns
    return np.stack([resize_columns(one, _SHAPE) for one in both])


def _bits(rows: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(n, 32, 32 or more) -> (n, 128): which coefficients are above the median of their image."""
    low = rows[:, :, :HASH_SIDE].reshape(len(rows), -1)
    return np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
