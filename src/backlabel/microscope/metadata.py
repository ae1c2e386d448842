"""How an image was taken: by its TIFF's private tags, or by the text file beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd
from backlabel.images.faults import library_faults
from backlabel.images.ifd import Directory, Layout
from backlabel.images.pages import chosen
from backlabel.images.picture import Limits
from backlabel.images.source import Source, opened
from backlabel.inventory.content import HEAD, kind_of
from backlabel.microscope import fei, fibsem, olympus, sidecars, tags, tescan, zeiss
from backlabel.microscope.acquisition import Acquisition, checked, has_values, joined
from backlabel.microscope.beside import beside

_OLYMPUS, _ZEISS, _FEI_SFEG, _FEI_HELIOS, _TESCAN = 33560, 34118, 34680, 34682, 50431
_DESCRIPTION = 270
_VENDORS = {
    _ZEISS: "Zeiss",
    _FEI_HELIOS: "FEI",  # before SFEG, which newer programs fill with something else
    _FEI_SFEG: "FEI",
    _TESCAN: "TESCAN",
    _OLYMPUS: "Olympus",
}
_WITHOUT_TAGS = ("png", "bmp", "jpeg")
_MAX_SIDECAR = 1 << 20  # bytes; real ones have a few thousand

DEFAULT_LIMITS = Limits()


def read(path: Path, limits: Limits = DEFAULT_LIMITS, page: int | None = None) -> Acquisition:
    """What the image `path`, or else the text file beside it, says; saying nothing is no error.

    Of its pages `page` is asked first, or the main one, then the others in their order.

    What is damaged, too long or impossible is left out and named in the note. Raises
    UnreadableImageError only where the file itself cannot be opened.
    """
    with opened(path, max_bytes=limits.max_bytes) as source:
        taken = _from_tags(source, page, limits.max_pages)
    if not has_values(taken):
        beside = _from_sidecar(path)
        taken = replace(beside, note=joined(taken.note, beside.note))
    return checked(taken)


def _from_tags(source: Source, number: int | None, max_pages: int) -> Acquisition:
    if kind_of(source.read(0, min(HEAD, source.size))) in _WITHOUT_TAGS:
        return Acquisition()
    try:
        layout = Layout(source.read)
        pages = ifd.pages(layout, max_pages)
        main = chosen(pages, number)
    except UnreadableImageError as error:
        return Acquisition(note=f"tags cannot be read ({error.detail})")
    for page in [main, *(page for page in pages.found if page is not main)]:
        for tag, vendor in _VENDORS.items():
            if tag in page:
                return _understood(f"{vendor}'s tag {tag}", source, layout, page, tag)
    return _described(layout, main) if _DESCRIPTION in main else Acquisition()


def _understood(
    name: str, source: Source, layout: Layout, page: Directory, tag: int
) -> Acquisition:
    try:
        with library_faults():
            found = _by_vendor(source, layout, page, tag)
    except UnreadableImageError as error:
        return Acquisition(note=f"{name} cannot be understood ({error.detail})")
    if has_values(found) or found.note:
        return found
    return Acquisition(note=f"{name} holds no known value")


def _by_vendor(source: Source, layout: Layout, page: Directory, tag: int) -> Acquisition:
    if tag == _OLYMPUS:
        return olympus.read(source.read, page.number(tag, 0))
    value = tags.raw(layout, page, tag)
    if tag == _ZEISS:
        return zeiss.read(value, page.number(ifd.WIDTH, 0))
    return tescan.read(value) if tag == _TESCAN else fei.read(value)


def _described(layout: Layout, page: Directory) -> Acquisition:
    """From the image's description where that is OpenFIBSEM's; descriptions are free text."""
    try:
        description = tags.raw(layout, page, _DESCRIPTION)
        if fibsem.MARK not in description:
            return Acquisition()
        with library_faults():
            return fibsem.read(description)
    except UnreadableImageError as error:
        return Acquisition(note=f"the description cannot be understood ({error.detail})")


def _from_sidecar(path: Path) -> Acquisition:
    for one in beside(str(path)):
        try:
            with opened(Path(one), max_bytes=_MAX_SIDECAR) as source:
                found = sidecars.read(source.read(0, source.size))
        except UnreadableImageError as error:
            if error.reason != "vanished":
                return Acquisition(note=f"the text file beside it cannot be read ({error.detail})")
            continue
        if found is not None:
            return found
    return Acquisition()
