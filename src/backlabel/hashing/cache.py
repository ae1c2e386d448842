"""Hashes that are known already, by the content of the file and all that can change them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from backlabel import images
from backlabel.hashing.bits import HASH_BYTES, Hashes
from backlabel.hashing.identity import Content, identity
from backlabel.storage.store import Store

ALGORITHM = 5
"""Raised whenever a change in this package can change a hash or what the gate says."""

_WORDS = ("height", "width", "note", "page", "others", "apart", "pixels")
_PACKAGES = ("numpy", "scipy", "Pillow", "imagecodecs", "simplejpeg", "tifffile")


@dataclass(frozen=True)
class Entry:
    """What is cached of one picture: its hashes, its shape, and a short note of how it was read.

    `page` is the TIFF's page that it is on, `others` and `apart` are what `Picture` says of its
    other pages, and `pixels` is a digest of the grey picture where there are any.
    """

    hashes: Hashes
    height: int
    width: int
    note: str = ""
    page: int = 1
    others: tuple[int, ...] = ()
    apart: tuple[tuple[int, str], ...] = ()
    pixels: str = ""


@dataclass(frozen=True)
class Hashed:
    """One image with what is known of it."""

    kind: str
    """What its name says that it is: reading refuses other content."""
    content: Content
    entry: Entry
    is_further: bool = False
    """Whether another page of the file holds its main picture."""


class HashCache:
    """Entries by content, and contents by file, for one set of library versions and parameters.

    `parameters` are all settings that can change a hash (how images are read, limits), as JSON
    values. Failures are never cached: the next run tries again. Safe for concurrent processes.
    """

    def __init__(self, folder: Path, parameters: Mapping[str, Any]) -> None:
        circumstances = {"parameters": dict(parameters), "versions": versions()}
        text = json.dumps(circumstances, sort_keys=True, allow_nan=False)
        self.circumstances = hashlib.sha256(text.encode()).digest()
        self._store = Store(folder / "hashes.sqlite")

    def known(self, path: Path, kind: str) -> Hashed | None:
        """The file at `path`, if it is untouched since it was hashed. Reads none of its bytes."""
        try:
            known_by = identity(images.file_at(path).lstat())
        except OSError:  # whoever reads it says why
            return None
        digest = self._store.get(known_by)
        entry = None if digest is None else self.get(digest.hex(), kind)
        if digest is None or entry is None:
            return None
        return Hashed(kind, Content(digest.hex(), known_by), entry)

    def get(self, sha256: str, kind: str) -> Entry | None:
        """The entry of all files with this content; None if there is none, or a damaged one."""
        raw = self._store.get(self._key(sha256, kind))
        return None if raw is None else decoded(raw)

    def get_page(self, kind: str, page: int, content: Content) -> Hashed | None:
        """That page of all files with this content, as `get` gives the main picture."""
        entry = self.get(content.sha256, _of_page(kind, page))
        return None if entry is None else Hashed(kind, content, entry)

    def keep(self, found: Iterable[Hashed]) -> None:
        """Keep all of them, or none. Raises OutputError where they cannot be written."""
        self.put(item for one in found for item in self.entries(one))

    def put(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep what `entries` of a cache for the same folder gave, as `keep` does."""
        self._store.put(entries)

    def entries(self, one: Hashed) -> Iterator[tuple[bytes, bytes]]:
        """What is kept of an image: its entry by its content, and its content by its identity."""
        kind = _of_page(one.kind, one.entry.page) if one.is_further else one.kind
        yield self._key(one.content.sha256, kind), encoded(one.entry)
        if one.content.identity:
            yield one.content.identity, bytes.fromhex(one.content.sha256)

    def _key(self, sha256: str, kind: str) -> bytes:
        return self.circumstances + bytes.fromhex(sha256) + kind.encode()


def versions() -> dict[str, str]:
    """Of the libraries that can change a hash, and of the algorithm."""
    return {package: metadata.version(package) for package in _PACKAGES} | {
        "backlabel hash": str(ALGORITHM)
    }


def encoded(entry: Entry) -> bytes:
    """Both hashes, and what else is known as JSON."""
    words = json.dumps([entry.hashes.information, *(getattr(entry, name) for name in _WORDS)])
    return entry.hashes.standardised.tobytes() + entry.hashes.grey.tobytes() + words.encode()


def decoded(raw: bytes) -> Entry:
    """The entry that `encoded` made `raw` from."""
    standardised = np.frombuffer(raw, np.uint8, HASH_BYTES)
    grey = np.frombuffer(raw, np.uint8, HASH_BYTES, offset=HASH_BYTES)
    words = raw[2 * HASH_BYTES :].decode()  # of bytes, json would look for their encoding first
    information, height, width, note, page, others, apart, pixels = json.loads(words)
    return Entry(
        Hashes(standardised, grey, information),
        height,
        width,
        note,
        page,
        tuple(others),
        tuple((number, what) for number, what in apart),
        pixels,
    )


def _of_page(kind: str, page: int) -> str:
    return f"{kind}, page {page}"
