"""The limits of reading an image, from the parameters."""

from __future__ import annotations

from backlabel.config import Read
from backlabel.images.picture import Limits


def read_limits(read: Read) -> Limits:
    """What `read` allows one image."""
    return Limits(
        max_pixels=read.max_pixels,
        max_bytes=read.max_bytes,
        max_mosaic_pixels=read.max_mosaic_pixels,
        max_pages=read.max_pages,
    )
