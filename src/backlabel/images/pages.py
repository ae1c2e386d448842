"""Which pages of a TIFF are pictures of their own, by their headers.

A page is a directory of the file's chain, counted from 1, with its sub-pages: those are the same
picture in other sizes (pyramid, preview), of which the largest counts. A page is no picture of its
own where the file marks it as a smaller copy of another page or as a mask.
"""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd
from backlabel.images.ifd import Chain, Directory

_MASK = 4  # photometric interpretation of a transparency mask; bit 2 of NewSubfileType
_REDUCED = 1  # bit 0 of NewSubfileType


@dataclass(frozen=True)
class Pages:
    """The pages of a TIFF."""

    main: int
    """The page that people mean when they speak of the picture in the file."""
    others: tuple[int, ...] = ()
    """Further ones that are pictures of their own, and the first page beyond the limit."""
    apart: tuple[tuple[int, str], ...] = ()
    """The pages that are not, and what each is."""
    beyond: UnreadableImageError | None = None
    """What is wrong with the pages beyond the limit, if there are any."""


def main_page(found: list[Directory]) -> Directory:
    """The first of the largest pages that are not marked as a reduced copy or a mask.

    A microscope's preview is smaller than the image, marked or not, and may come first; detectors
    that record at once give pages of one size, of which people publish the first.
    """
    return max([page for page in found if not _apart(page)] or found, key=_pixels)


def chosen(chain: Chain, number: int | None) -> Directory:
    """The picture of page `number`, or the main one. Raises UnreadableImageError."""
    if number is None:
        return main_page(chain.found)
    own = [page for page in chain.found if page.in_file == number]
    if not own and number == chain.beyond:
        raise _beyond(chain)
    if not own:
        raise UnreadableImageError("truncated", f"it has no page {number}")
    return main_page(own)


def pages(chain: Chain) -> Pages:
    """The pages of a file that has these directories.

    The first page beyond the limit is among the others, so that whoever reads it says so.
    """
    found = chain.found
    main = main_page(found).in_file
    reasons = {page.in_file: _apart(page) for page in reversed(found)}
    # A picture may lie in a sub-page behind its preview.
    reasons |= {page.in_file: "" for page in found if not _apart(page)} | {main: ""}
    numbers = sorted(reasons)
    return Pages(
        main,
        (
            *(number for number in numbers if not reasons[number] and number != main),
            *([chain.beyond] if chain.beyond else []),
        ),
        tuple((number, reasons[number]) for number in numbers if reasons[number]),
        _beyond(chain) if chain.beyond else None,
    )


def _beyond(chain: Chain) -> UnreadableImageError:
    return UnreadableImageError(
        "too many pages",
        f"pages from {chain.beyond} on are not read: read.max_pages allows {len(chain.found)}, "
        "sub-pages included",
    )


def _apart(page: Directory) -> str:
    """What a page is that is no picture of its own; empty for one that is."""
    try:
        kind, photometric = page.number(ifd.SUBFILE_TYPE, 0), page.number(ifd.PHOTOMETRIC, 1)
    except UnreadableImageError:
        return ""  # whoever reads the page says what is wrong with it
    if kind & _MASK or photometric == _MASK:
        return "a mask"
    if kind & _REDUCED:
        return "marked as a smaller copy"
    return "" if _pixels(page) else "without pixels"


def _pixels(page: Directory) -> int:
    try:
        return page.pixels
    except UnreadableImageError:
        return 1
