"""Hashes that are known already, by the content of the file and all that can change them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from backlabel import files
from backlabel.hashing.phash import ALGORITHM, HASH_BYTES, Hashes
from backlabel.hashing.store import Store

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


class HashCache:
    """Entries by content digest, for one set of library versions and parameters.

    `parameters` are all settings that can change a hash (how images are read, limits), as JSON
    values. Failures are never kept: the next run tries again. Safe for concurrent processes.
    """

    def __init__(self, folder: Path, parameters: Mapping[str, Any]) -> None:
        circumstances = {"parameters": dict(parameters), "versions": versions()}
        text = json.dumps(circumstances, sort_keys=True, allow_nan=False)
        self._circumstances = hashlib.sha256(text.encode()).digest()
        self._entries = Store(folder / "hashes")
        self._digests = Store(folder / "digests")

    def get(self, content_digest: str, kind: str) -> Entry | None:
        """The entry of the file with this SHA-256; None if there is none, or a damaged one.

        `kind` is what the file's name says that it is: reading refuses other content.
        """
        raw = self._entries.get(self._key(content_digest, kind))
        return None if raw is None else _decoded(raw)

    def put(self, content_digest: str, kind: str, entry: Entry) -> None:
        """Keep `entry`. Raises OutputError where the folder cannot be written."""
        self._entries.put(self._key(content_digest, kind), _encoded(entry))

    def digest(self, path: Path) -> str:
        """SHA-256 of a file's bytes, read again only if the file may have changed.

        Untouched means: same path, device, inode, size, and times of modification and of status
        change in nanoseconds. The last of them cannot be set back, so that new bytes under an old
        time are seen. A file that changed within two seconds of reading it is not remembered.
        """
        before = path.stat()
        identity = _identity(path, before)
        known = self._digests.get(identity)
        if known is not None:
            return known.hex()
        started = time.time()
        digest = files.sha256(path)
        after = path.stat()
        settled = max(after.st_mtime, after.st_ctime) < started - _SETTLED_S
        if settled and _numbers(before) == _numbers(after):
            self._digests.put(identity, bytes.fromhex(digest))
        return digest

    def _key(self, content_digest: str, kind: str) -> bytes:
        return self._circumstances + bytes.fromhex(content_digest) + kind.encode()


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
