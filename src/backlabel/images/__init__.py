"""Any TIFF, JPEG, PNG or BMP -> 8-bit grey, or one named error.

Only this package imports Pillow, tifffile, imagecodecs and simplejpeg.
"""

from backlabel.images.pages import Pages
from backlabel.images.picture import GreyImage, Limits, Picture
from backlabel.images.reading import (
    picture,
    read,
    read_samples,
    read_unit,
    require_content,
)
from backlabel.images.source import Source, file_at, opened, unreadable
from backlabel.images.tiff import read_pages
from backlabel.inventory.content import Kind

__all__ = [
    "GreyImage",
    "Kind",
    "Limits",
    "Pages",
    "Picture",
    "Source",
    "file_at",
    "opened",
    "picture",
    "read",
    "read_pages",
    "read_samples",
    "read_unit",
    "require_content",
    "unreadable",
]
