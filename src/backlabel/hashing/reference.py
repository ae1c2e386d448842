"""The plain chain of Pillow and imagehash that `hash_image` must equal, slowly."""

from __future__ import annotations

import imagehash
import numpy as np
from PIL import Image, ImageOps

from backlabel.hashing.bits import Bits
from backlabel.hashing.levels import GreyImage
from backlabel.hashing.weights import HASH_SIDE


def standardise(grey: GreyImage) -> GreyImage:
    """Equalised, then stretched."""
    image = ImageOps.autocontrast(ImageOps.equalize(Image.fromarray(grey)))
    return np.asarray(image)


def phash(grey: GreyImage) -> Bits:
    """(128,) bits of `grey` as it is."""
    return np.packbits(imagehash.phash(Image.fromarray(grey), hash_size=HASH_SIDE).hash)
