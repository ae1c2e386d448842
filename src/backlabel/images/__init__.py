"""What lies in a folder, what a file really is, and any TIFF or JPEG -> 8-bit grey.

Only this package imports Pillow, tifffile, imagecodecs and simplejpeg.
"""

from backlabel.images.picture import GreyImage, Kind, Limits, Picture
from backlabel.images.reading import read, read_samples, read_unit
from backlabel.images.source import opened, unreadable

__all__ = [
    "GreyImage",
    "Kind",
    "Limits",
    "Picture",
    "opened",
    "read",
    "read_samples",
    "read_unit",
    "unreadable",
]
