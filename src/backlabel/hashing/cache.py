"""Hashes that are known already, by the content of the file and all that can change them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from backlabel import files
from backlabel.hashing.bits import HASH_BYTES, Hashes
from backlabel.hashing.store import Store

ALGORITHM = 2
"""Raised whenever a change in this package can change a hash or what the gate says."""

_PACKAGES = ("numpy", "scipy", "Pillow", "imagecodecs", "simplejpeg", "tifffile")
_SETTLED_S = 2.0
"""A file changed less than this before it was read could change again within one tick of a coarse
file system clock (2 s on FAT) and look untouched."""


@dataclass(frozen=True)
class Entry:
    """What is kept of one image: its hashes, its shape, and a short note of how it was read."""

    hashes: Hashes
    height: int
    width: int
    note: str = ""


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    sha256: str
    identity: bytes
    """By what an untouched file is known again; empty where it must not be."""


@dataclass(frozen=True)
class Hashed:
    """One image with what is known of it."""

    kind: str
    """What its name says that it is: reading refuses other content."""
    content: Content
    entry: Entry


class HashCache:
    """Entries by content, and contents by file, for one set of library versions and parameters.

    `parameters` are all settings that can change a hash (how images are read, limits), as JSON
    values. Failures are never kept: the next run tries again. Safe for concurrent processes.
    """

    def __init__(self, folder: Path, parameters: Mapping[str, Any]) -> None:
        circumstances = {"parameters": dict(parameters), "versions": versions()}
        text = json.dumps(circumstances, sort_keys=True, allow_nan=False)
        self._circumstances = hashlib.sha256(text.encode()).digest()
        self._store = Store(folder / "hashes.sqlite")

    def known(self, path: Path, kind: str) -> Hashed | None:
        """The file at `path`, if it was not touched since it was hashed. Reads none of its bytes.

        Untouched means: same path, device, inode, size, and times of modification and of status
        change in nanoseconds. The last of them cannot be set back, so that new bytes under an old
        time are seen.
        """
        try:
            identity = _identity(path, path.lstat())
        except OSError:  # whoever reads it says why
            return None
        digest = self._store.get(identity)
        entry = None if digest is None else self.get(digest.hex(), kind)
        if digest is None or entry is None:
            return None
        return Hashed(kind, Content(digest.hex(), identity), entry)

    def get(self, sha256: str, kind: str) -> Entry | None:
        """The entry of all files with this content; None if there is none, or a damaged one."""
        raw = self._store.get(self._key(sha256, kind))
        return None if raw is None else _decoded(raw)

    def keep(self, found: Iterable[Hashed]) -> None:
        """Keep all of them, or none. Raises OutputError where they cannot be written."""
        self._store.put(item for one in found for item in self._items(one))

    def _items(self, one: Hashed) -> Iterator[tuple[bytes, bytes]]:
        yield self._key(one.content.sha256, one.kind), _encoded(one.entry)
        if one.content.identity:
            yield one.content.identity, bytes.fromhex(one.content.sha256)

    def _key(self, sha256: str, kind: str) -> bytes:
        return self._circumstances + bytes.fromhex(sha256) + kind.encode()


def content_of(path: Path) -> Content:
    """Reads a file. One that changed within two seconds of reading it has no identity."""
    before = path.lstat()
    started = time.time()
    digest = files.sha256(path)
    after = path.lstat()
    settled = max(after.st_mtime, after.st_ctime) < started - _SETTLED_S
    if settled and _numbers(before) == _numbers(after):
        return Content(digest, _identity(path, before))
    return Content(digest, b"")


def versions() -> dict[str, str]:
    """Of the libraries that can change a hash, and of the algorithm."""
    return {package: metadata.version(package) for package in _PACKAGES} | {
        "backlabel hash": str(ALGORITHM)
    }


def _identity(path: Path, status: os.stat_result) -> bytes:
    place = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - half the time of Path's
    return os.fsencode(place) + b"\0" + json.dumps(_numbers(status)).encode()


def _numbers(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written to, replaced or given another time."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _encoded(entry: Entry) -> bytes:
    words = json.dumps([entry.hashes.information, entry.height, entry.width, entry.note])
    return entry.hashes.standardised.tobytes() + entry.hashes.grey.tobytes() + words.encode()


def _decoded(raw: bytes) -> Entry:
    standardised = np.frombuffer(raw, np.uint8, HASH_BYTES)
    grey = np.frombuffer(raw, np.uint8, HASH_BYTES, offset=HASH_BYTES)
    information, height, width, note = json.loads(raw[2 * HASH_BYTES :])
    return Entry(Hashes(standardised, grey, information), height, width, note)
