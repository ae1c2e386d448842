"""Digests of decoded pixels: equal pictures have equal digests, however they are stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel import images
from backlabel.hashing.cache import versions
from backlabel.storage.store import Store


def digest(samples: NDArray[np.generic]) -> str:
    """SHA-256 of a picture (H, W, channels).

    Over a line of ASCII, `<type> <H> <W> <channels>` with NumPy's name of the little-endian type
    (for instance `<u2 768 1024 1`), a line feed, and the samples row by row, little-endian.
    """
    little = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
    head = " ".join([little.dtype.str, *map(str, little.shape)])
    found = hashlib.sha256(f"{head}\n".encode())
    found.update(little.data)
    return found.hexdigest()


class PixelDigests:
    """Digests of the pixels of files, remembered in the file `store` by the files' content."""

    def __init__(self, store: Path, limits: images.Limits) -> None:
        self._store = Store(store)
        self._circumstances = json.dumps([asdict(limits), versions()], sort_keys=True).encode()

    def key(self, path: Path, sha256: str, page: int = 1) -> bytes:
        """Of page `page` of the file `path`, whose bytes have this SHA-256."""
        kind = f"{path.suffix.lower()} {page}"
        return self._circumstances + bytes.fromhex(sha256) + kind.encode()

    def get(self, key: bytes) -> str | None:
        """The digest that is remembered under `key`."""
        known = self._store.get(key)
        return None if known is None else known.hex()

    def put(self, digests: Mapping[bytes, str]) -> None:
        """Remember each digest under its key. Raises OutputError where that cannot be done."""
        if digests:
            self._store.put([(key, bytes.fromhex(found)) for key, found in digests.items()])
