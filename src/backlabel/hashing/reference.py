"""The plain chain of Pillow and imagehash that `hash_image` must equal, slowly."""

from __future__ import annotations

import imagehash
import numpy as np
import scipy.fftpack
from PIL import Image, ImageOps

from backlabel.hashing.bits import HASH_SIDE, SIDE, Bits, Hashes
from backlabel.hashing.information import information
from backlabel.hashing.levels import GreyImage


def hash_image(grey: GreyImage) -> Hashes:
    """Both hashes of `grey` (H, W), and whether it carries the information to match by them."""
    small = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    # As imagehash has the transform, of which it gives the bits alone.
    columns = scipy.fftpack.dct(np.asarray(small), axis=0)
    rows = scipy.fftpack.dct(columns, axis=1)[:HASH_SIDE]
    return Hashes(phash(standardise(grey)), phash(grey), information(grey.shape, rows))


def standardise(grey: GreyImage) -> GreyImage:
    """Equalised, then stretched."""
    image = ImageOps.autocontrast(ImageOps.equalize(Image.fromarray(grey)))
    return np.asarray(image)


def phash(grey: GreyImage) -> Bits:
    """(128,) bits of `grey` as it is."""
    return np.packbits(imagehash.phash(Image.fromarray(grey), hash_size=HASH_SIDE).hash)
