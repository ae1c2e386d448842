"""Which pages of a TIFF are pictures of their own, by their headers.

A page is a directory of the file's chain, counted from 1, with its sub-pages: those are the same
picture in other sizes (pyramid, preview), of which the largest counts. A page is no picture of its
own where the file marks it as a smaller copy of another page or as a mask.
"""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd
from backlabel.images.ifd import Directory

_MASK = 4  # photometric interpretation of a transparency mask; bit 2 of NewSubfileType
_REDUCED = 1  # bit 0 of NewSubfileType


@dataclass(frozen=True)
class Apart:
    """A page that is no picture of its own, and what it is."""

    number: int
    reason: str


def main_page(found: list[Directory]) -> Directory:
    """The first of the largest pages that are not marked as a reduced copy or a mask.

    A microscope's preview is smaller than the image, marked or not, and may come first; detectors
    that record at once give pages of one size, of which people publish the first.
    """
    whole = [page for page in found if not page.reduced and page.pixels]
    return max(whole or found, key=lambda page: page.pixels)


def chosen(found: list[Directory], number: int | None) -> Directory:
    """The picture of page `number`, or the main one. Raises UnreadableImageError."""
    if number is None:
        return main_page(found)
    own = [page for page in found if page.in_file == number]
    if not own:
        raise UnreadableImageError("truncated", f"it has no page {number}")
    return main_page(own)


def pictures(found: list[Directory]) -> tuple[list[int], list[Apart]]:
    """The numbers of the pages that are pictures of their own, and the other pages.

    A file that marks all of its pages as copies or masks has one picture, the largest of them.
    """
    reasons = {page.in_file: _apart(page) for page in reversed(found)}
    for page in found:
        if not _apart(page):  # a sub-page of full size behind its preview, for instance
            reasons[page.in_file] = ""
    if all(reasons.values()):
        reasons[main_page(found).in_file] = ""
    numbers = sorted(reasons)
    return (
        [number for number in numbers if not reasons[number]],
        [Apart(number, reasons[number]) for number in numbers if reasons[number]],
    )


def _apart(page: Directory) -> str:
    try:
        kind, photometric = page.number(ifd.SUBFILE_TYPE, 0), page.number(ifd.PHOTOMETRIC, 1)
        empty = not page.pixels
    except UnreadableImageError:
        return ""  # whoever reads the page says what is wrong with it
    if kind & _MASK or photometric == _MASK:
        return "a mask"
    if kind & _REDUCED:
        return "marked as a reduced copy"
    return "without pixels" if empty else ""
