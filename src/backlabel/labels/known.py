"""What is known of files from earlier runs, by their contents: pixels' digests, and metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from backlabel.errors import OutputError
from backlabel.hashing.cache import versions
from backlabel.images.picture import Limits
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage.store import Store
from backlabel.storage.versions import code_version

Texts: TypeAlias = tuple[tuple[str, str], ...]
"""The text files beside a TIFF, path and SHA-256 each."""
TEXT_CHANGED = "text beside it changed"
"""Reason of an error whose detail is the path of such a file."""


class PixelDigests:
    """Digests of the pixels of files, remembered in the file `store` by the files' content."""

    def __init__(self, store: Path, limits: Limits) -> None:
        self._store = Store(store)
        self._circumstances = json.dumps([asdict(limits), versions()], sort_keys=True).encode()

    def key(self, path: Path, sha256: str, page: int = 1) -> bytes:
        """Of page `page` of the file `path`, whose bytes have this SHA-256."""
        kind = f"{path.suffix.lower()} {page}"
        return self._circumstances + bytes.fromhex(sha256) + kind.encode()

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """The digests that are remembered."""
        found = zip(keys, self._store.get_many(keys), strict=True)
        return {key: known.hex() for key, known in found if known is not None}

    def put(self, digests: Mapping[bytes, str]) -> None:
        """Remember each digest under its key. Raises OutputError where that cannot be done."""
        if digests:
            self._store.put([(key, bytes.fromhex(found)) for key, found in digests.items()])


class Acquisitions:
    """How images were taken, remembered by the contents of the TIFF and of the texts beside it."""

    def __init__(self, store: Path, limits: Limits) -> None:
        self._store = Store(store)
        code = code_version(("images", "microscope"), ("tifffile",))
        self._circumstances = json.dumps([asdict(limits), code], sort_keys=True).encode()

    def key(self, sha256: str, page: int, texts: Texts) -> bytes:
        """Of a page of a TIFF with this SHA-256 and these texts beside it.

        What a text is called counts too: it says which of several is read first.
        """
        beside = json.dumps([page, *([Path(path).suffix, digest] for path, digest in texts)])
        return b"acquisition" + self._circumstances + bytes.fromhex(sha256) + beside.encode()

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Acquisition]:
        """Those that are remembered."""
        found = zip(keys, self._store.get_many(keys), strict=True)
        return {key: Acquisition(**json.loads(raw)) for key, raw in found if raw is not None}

    def put(self, taken: Mapping[bytes, Acquisition]) -> None:
        """Remember each under its key, where that can be done."""
        if taken:
            with suppress(OutputError):
                self._store.put([(key, _encoded(one)) for key, one in taken.items()])


def _encoded(taken: Acquisition) -> bytes:
    return json.dumps(asdict(taken)).encode()
