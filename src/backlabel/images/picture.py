"""What a reader gives, and how much it may take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlabel.inventory.content import Kind

GreyImage = NDArray[np.uint8]
"""(H, W), C-contiguous, 0 black to 255 white."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds of one image, inclusive, checked on its size and header before any decoding."""

    max_pixels: int = 178_956_970  # Pillow's own limit for an error: 1 GiB / 4 / 3, times two
    max_bytes: int = 4 << 30  # of the file
    max_decoded_bytes: int = 1 << 30  # of the samples before they become grey
    max_mosaic_pixels: int = 0  # of a TIFF that is above `max_pixels`, and reduced while it is read
    max_pages: int = 256  # of a TIFF, sub-pages included


@dataclass(frozen=True)
class Picture:
    """One image as grey; `note` says in a few words what was done to it, or is empty.

    `page` is the TIFF's page that it is on, from 1; `others` are the pages of the file that are
    further pictures, `apart` those that are none, and what they are (`backlabel.images.pages`).
    `size` is (H, W) of a mosaic, of which `grey` is a smaller copy.
    """

    grey: GreyImage
    kind: Kind
    note: str
    page: int = 1
    others: tuple[int, ...] = ()
    apart: tuple[tuple[int, str], ...] = ()
    size: tuple[int, int] | None = None
