"""Under which names vendors' programs lay a text beside an image; nothing else is asked here."""

from __future__ import annotations

import os
from collections.abc import Iterator


def beside(path: str) -> Iterator[str]:
    """Where the text of the TIFF `path` may be: `a.txt`, and TESCAN's `a-tif.hdr` or `a.hdr`."""
    stem, suffix = os.path.splitext(path)  # noqa: PTH122 - asked for every TIFF
    yield from (stem + text for text in (".txt", ".TXT", ".Txt"))
    yield f"{stem}-{suffix[1:]}.hdr"
    yield f"{stem}.hdr"


def may_be_beside(path: str) -> bool:
    """Whether the name of a file is one under which `beside` looks."""
    return path.endswith((".txt", ".TXT", ".Txt", ".hdr"))
