"""The originals must be what was hashed: an untouched file is known again, others are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from backlabel.errors import DataError, UnreadableImageError
from backlabel.hashing.contents import Contents
from backlabel.storage import names
from backlabel.storage.rows import TiffHash


class Originals:
    """The files of `images`; `cache` is the folder of what is known. Safe for threads."""

    def __init__(self, images: Sequence[TiffHash], cache: Path, max_bytes: int) -> None:
        self._contents = Contents(cache)
        self._known = self._contents.known([Path(image.path) for image in images])
        self._max_bytes = max_bytes
        self._read: list[tuple[str, os.stat_result]] = []

    def known(self, image: TiffHash) -> str | None:
        """The SHA-256 of the untouched file; None where only reading it can tell."""
        return self._known.get(Path(image.path))

    def require(self, image: TiffHash, digest: str | None = None) -> None:
        """Raise DataError unless the file has the bytes that were hashed.

        `digest` is that of the file, where it was read just now.
        """
        found = digest or self.known(image) or self._digest(image)
        if found != image.sha256:
            raise DataError(
                f"{names.to_cell(image.path)}: changed since it was hashed. "
                "Run the hash stage again."
            )

    def _digest(self, image: TiffHash) -> str:
        try:
            read = self._contents.read(Path(image.path), max_bytes=self._max_bytes)
        except UnreadableImageError as error:
            raise DataError(
                f"{names.to_cell(image.path)}: cannot be read any more ({error}). "
                "Put it back, or run the hash stage again."
            ) from error
        self._read.append(read)
        return read[0]

    def keep(self) -> None:
        """Know the files again that had to be read."""
        self._contents.keep(self._read)
