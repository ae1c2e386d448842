"""How an image was taken: by its TIFF's private tags, or by the text file beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tifffile

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd, tiff
from backlabel.images.faults import library_faults
from backlabel.images.ifd import Directory, Layout
from backlabel.images.picture import Limits
from backlabel.images.source import Source, opened
from backlabel.microscope import vendors
from backlabel.microscope.vendors import Acquisition

_ZEISS, _FEI_SFEG, _FEI_HELIOS, _TESCAN, _DESCRIPTION = 34118, 34680, 34682, 50431, 270
_VENDORS: dict[int, tuple[str, Callable[[Any], Acquisition]]] = {
    _ZEISS: ("Zeiss", vendors.zeiss),
    _FEI_HELIOS: ("FEI", vendors.fei),
    _FEI_SFEG: ("FEI", vendors.fei),
    _TESCAN: ("TESCAN", vendors.tescan),
}
_RAW = (_ZEISS, _TESCAN)
_MAX_SIDECAR = 1 << 20  # bytes; real ones have a few thousand
_SIDECARS = (".txt", ".TXT", ".Txt")

DEFAULT_LIMITS = Limits()


def read(path: Path, limits: Limits = DEFAULT_LIMITS) -> Acquisition:
    """What the TIFF `path`, or else `<name>.txt` beside it, tells; nothing told is no error.

    A tag that is damaged gives an empty record with a note. Raises UnreadableImageError only where
    the file itself cannot be opened.
    """
    with opened(path, max_bytes=limits.max_bytes) as source:
        taken = _from_tags(source)
    return taken if taken is not None else _from_sidecar(path)


def _from_tags(source: Source) -> Acquisition | None:
    """None where no tag is known, which sends the search on to the sidecar."""
    try:
        pages = ifd.pages(Layout(source.read))
        first = tiff.main_page(pages)
    except UnreadableImageError as error:
        return Acquisition(note=f"tags cannot be read ({error.detail})")
    for page in [first, *(page for page in pages if page is not first)]:
        for tag, (vendor, understand) in _VENDORS.items():
            if tag in page:
                return _understood(vendor, understand, source, page, tag)
    if _DESCRIPTION in first:
        return _described(source, first)
    return None


def _understood(
    vendor: str,
    understand: Callable[[Any], Acquisition],
    source: Source,
    page: Directory,
    tag: int,
) -> Acquisition:
    try:
        with library_faults():
            return understand(_value(source, page, tag))
    except UnreadableImageError as error:
        return Acquisition(note=f"{vendor}'s tag {tag} cannot be understood ({error.detail})")


def _described(source: Source, page: Directory) -> Acquisition | None:
    """From the image's description where that is OpenFIBSEM's JSON, else None."""
    try:
        with library_faults():
            told = json.loads(str(_value(source, page, _DESCRIPTION)))
            if isinstance(told, dict) and "microscope_state" in told:
                return vendors.fibsem(told)
    except UnreadableImageError:
        return None  # any other text: descriptions are free
    return None


def _value(source: Source, page: Directory, tag: int) -> Any:
    with os.fdopen(os.dup(source.descriptor), "rb") as file:
        file.seek(0)
        with tifffile.TiffFile(file, name="image") as tif:
            tif.filehandle.seek(page.position)
            found = tifffile.TiffPage(tif, index=0).tags[tag]
            if tag in _RAW:
                return source.read(found.valueoffset, found.valuebytecount)
            return found.value


def _from_sidecar(path: Path) -> Acquisition:
    for suffix in _SIDECARS:
        try:
            with opened(path.with_suffix(suffix), max_bytes=_MAX_SIDECAR) as source:
                return vendors.sidecar(source.read(0, source.size))
        except UnreadableImageError as error:
            if error.reason != "vanished":
                return Acquisition(note=f"the text file beside it cannot be read ({error.detail})")
    return Acquisition()
