"""The texts that vendors' programs lay beside an image: their names, and what they hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from backlabel.storage.files import sha256


def beside(path: str) -> Iterator[str]:
    """Where the text of the TIFF `path` may be: `a.txt`, and TESCAN's `a-tif.hdr` or `a.hdr`."""
    stem, suffix = os.path.splitext(path)  # noqa: PTH122 - asked for every TIFF
    yield from (stem + text for text in (".txt", ".TXT", ".Txt"))
    yield f"{stem}-{suffix[1:]}.hdr"
    yield f"{stem}.hdr"


def may_be_beside(path: str) -> bool:
    """Whether the name of a file is one under which `beside` looks."""
    return path.endswith((".txt", ".TXT", ".Txt", ".hdr"))


def digest(path: str) -> str:
    """SHA-256 of what may be any file, or none; empty where it cannot be read."""
    if not os.path.isfile(path):  # noqa: PTH113 - no error; a FIFO would be waited for without end
        return ""
    try:
        return sha256(Path(path))
    except OSError:
        return ""
