"""Any TIFF, JPEG, PNG or BMP -> 8-bit grey, or one named error.

Only this package imports Pillow, tifffile, imagecodecs and simplejpeg. What reads images takes half
a second to import, and is imported when it is asked for: a run that knows all images reads none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backlabel.images.pages import Pages
from backlabel.images.picture import GreyImage, Limits, Picture
from backlabel.images.source import OF_THE_SYSTEM, Source, file_at, opened, unreadable
from backlabel.inventory.content import Kind

if TYPE_CHECKING:
    from backlabel.images.reading import read, read_samples, read_unit, require_content
    from backlabel.images.tiff import read_pages

__all__ = [
    "OF_THE_SYSTEM",
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


def __getattr__(name: str) -> Any:
    """What reads images, where it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from backlabel.images import reading, tiff  # noqa: PLC0415

    return getattr(tiff if name == "read_pages" else reading, name)


def picture(
    source: Source,
    name: str,
    limits: Limits = Limits(),  # noqa: B008
    page: int | None = None,
) -> Picture:
    """As `reading.picture`; no name for `__getattr__`, since a module here has it too."""
    from backlabel.images import reading  # noqa: PLC0415

    return reading.picture(source, name, limits, page)
