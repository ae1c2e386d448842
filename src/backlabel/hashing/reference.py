"""The plain chain of Pillow and imagehash that `hash_image` must equal, slowly."""

from __future__ import annotations

import imagehash
import numpy as np
import scipy.fft
from PIL import Image, ImageOps

from backlabel.hashing.bits import Bits, Hashes
from backlabel.hashing.information import information
from backlabel.hashing.levels import GreyImage
from backlabel.hashing.weights import HASH_SIDE, SIDE


def standardise(grey: GreyImage) -> GreyImage:
    """Equalised, then stretched."""
    image = ImageOps.autocontrast(ImageOps.equalize(Image.fromarray(grey)))
    return np.asarray(image)


def phash(grey: GreyImage) -> Bits:
    """(128,) bits of `grey` as it is."""
    return np.packbits(imagehash.phash(Image.fromarray(grey), hash_size=HASH_SIDE).hash)


def hash_image(grey: GreyImage) -> Hashes:
    """Both hashes of `grey` (H, W), and whether it holds enough to be matched by them."""
    small = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    rows = scipy.fft.dct(scipy.fft.dct(np.asarray(small, np.float64), axis=0), axis=1)[:HASH_SIDE]
    return Hashes(phash(standardise(grey)), phash(grey), information(grey.shape, rows))
