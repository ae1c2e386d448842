"""The originals must be what was hashed: an untouched file is known again, others are read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from backlabel.errors import DataError, UnreadableImageError
from backlabel.hashing.contents import Contents
from backlabel.storage import names
from backlabel.storage.rows import TiffHash
from backlabel.workers import crew

_TOGETHER = 500  # files that are asked for, and kept


class Originals:
    """Files that were hashed; `cache` is the folder of what is known of them."""

    def __init__(self, cache: Path, max_bytes: int) -> None:
        self._contents, self._max_bytes = Contents(cache), max_bytes

    def known(self, images: Iterable[TiffHash]) -> Iterator[tuple[TiffHash, str | None]]:
        """Each image with the SHA-256 of the untouched file; None where only reading can tell."""
        rest = iter(images)
        while some := [*islice(rest, _TOGETHER)]:
            known = self._contents.known([Path(image.path) for image in some])
            yield from ((image, known.get(Path(image.path))) for image in some)

    def read(self, images: Iterable[TiffHash]) -> None:
        """Require each image by reading its file, and know it again."""
        read = crew.map_copying(self._digest, images, max_seconds=0, what="", cluster=None)
        while some := [*islice(read, _TOGETHER)]:
            for image, result in some:
                if isinstance(result, UnreadableImageError):
                    raise unreadable(image.path, result) from result
                require(image, result[0])
            self._contents.keep(
                result for _, result in some if not isinstance(result, UnreadableImageError)
            )

    def _digest(self, image: TiffHash) -> tuple[str, os.stat_result]:
        return self._contents.read(Path(image.path), max_bytes=self._max_bytes)


def require(image: TiffHash, digest: str) -> None:
    """Raise DataError unless `digest`, that of the file, is that of the bytes that were hashed."""
    if digest != image.sha256:
        raise DataError(
            f"{names.to_cell(image.path)}: changed since it was hashed. Run the hash stage again."
        )


def unreadable(path: str, error: UnreadableImageError) -> DataError:
    """What is said of a file that was hashed and is no more."""
    return DataError(
        f"{names.to_cell(path)}: cannot be read any more ({error}). "
        "Put it back, or run the hash stage again."
    )
