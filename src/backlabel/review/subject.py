"""Which files a picture is of, and where pictures are kept; no library that reads is needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from backlabel.matching.evidence import Placement
from backlabel.storage.bounded import BoundedFolder
from backlabel.storage.files import shared_folder

_MOST_BYTES = 2**30
_FORM = 2  # grows when the same request gives another picture


def kept() -> BoundedFolder:
    """Where pictures are kept, for the page and for reports."""
    return BoundedFolder(shared_folder() / "cache" / "pictures", _MOST_BYTES)


@dataclass(frozen=True)
class Subject:
    """A TIFF and the JPEG that is looked at beside it, with the digests that the tables have.

    `variant` is the change of the TIFF by which the JPEG was found; None compares both as they are.
    """

    tiff: str
    page: int
    tiff_sha256: str
    jpeg: str | None = None
    jpeg_sha256: str | None = None
    variant: str | None = None
    part: Placement | None = None

    def key(self, *how: object) -> str:
        """A name for a picture of it that is kept: equal keys, equal pictures."""
        return hashlib.sha256(repr((_FORM, self, how)).encode()).hexdigest()
