"""1,024-bit perceptual hashes, bit for bit as `imagehash.phash(image, hash_size=32)` has them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import _kernels, information
from backlabel.hashing.bits import Bits, Hashes
from backlabel.hashing.levels import LEVELS, GreyImage, histogram, standard_table
from backlabel.hashing.median import medians
from backlabel.hashing.weights import HASH_SIDE


def phash(grey: GreyImage) -> Bits:
    """The hash of `grey` as it is (standardise it first for the standardised hash)."""
    same = np.arange(LEVELS, dtype=np.uint8)
    bits: Bits = _bits(_rows(_checked(grey), same)[1:])[0]
    return bits


def hash_image(grey: GreyImage) -> Hashes:
    """Both hashes and the gate's verdict, with one pass over the pixels for each table lookup."""
    pixels = _checked(grey)
    rows = _rows(pixels, standard_table(histogram(pixels)))
    standardised, plain = _bits(rows)
    return Hashes(standardised, plain, information.information(pixels.shape, rows[1]))


def compile_kernels() -> None:
    """Compile what `hash_image` runs, or load it from numba's cache: seconds, once a process."""
    hash_image(np.zeros((160, 160), np.uint8))


def frequencies(grey: GreyImage) -> NDArray[np.float64]:
    """(2, 32, 32): the DCT blocks that the standardised and the grey hash are made from."""
    pixels = _checked(grey)
    return _rows(pixels, standard_table(histogram(pixels)))[:, :, :HASH_SIDE]


def hash_of(block: NDArray[np.float64]) -> Bits:
    """The hash of a DCT block (32, 32)."""
    bits: Bits = _bits(block[np.newaxis])[0]
    return bits


def _checked(grey: GreyImage) -> GreyImage:
    if grey.ndim != 2 or grey.dtype != np.uint8 or not grey.size:  # noqa: PLR2004
        raise ValueError(f"a grey image is a filled (H, W) of uint8, not {grey.shape} {grey.dtype}")
    return np.ascontiguousarray(grey)


def _rows(pixels: GreyImage, table: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(2, 32, 128): the lowest rows of the DCT of the thumbnails, `table[pixels]` and as it is."""
    return _kernels.low_rows(_kernels.thumbnails(pixels, table))


def _bits(rows: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(n, 32, 32 or more) -> (n, 128): which coefficients are above the median of their image."""
    low = rows[:, :, :HASH_SIDE].reshape(len(rows), -1)
    return np.packbits(low > medians(low)[:, np.newaxis], axis=1)
