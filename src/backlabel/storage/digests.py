"""Many names or rows that are found by a key, and no Python object for each."""

from __future__ import annotations

import bisect
import os
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from backlabel.storage.scratch import Shelf

_DIGEST_BYTES = 32


class Index:
    """Numbers of things from 0 on, by the hash of their keys: sixteen bytes for each."""

    def __init__(self, keys: Iterable[Hashable], count: int) -> None:
        hashes = np.fromiter(map(hash, keys), np.int64, count)
        order = np.argsort(hashes, kind="stable")
        # Arrays of Python's, since one number of NumPy's takes longer to look up than all others.
        self._numbers = array("q", order.tobytes())
        self._hashes = array("q", hashes[order].tobytes())

    def having_hash(self, key: Hashable) -> Sequence[int]:
        """The numbers of those whose key may be this one, in order: it has the same hash."""
        first = bisect.bisect_left(self._hashes, hash(key))
        return self._numbers[first : bisect.bisect_right(self._hashes, hash(key), first)]


class Digests(Mapping[str, str]):
    """SHA-256 by name, in an order; names and digests lie on the disk."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._held = Shelf()
        for name, digest in pairs:
            self._held.append(bytes.fromhex(digest) + os.fsencode(name))
        self._index = Index(self, len(self))

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return (os.fsdecode(self._held[at][_DIGEST_BYTES:]) for at in range(len(self)))

    def __getitem__(self, name: str) -> str:
        return self._found(name)[1].hex()

    def number(self, name: str) -> int:
        """Which of them has this name. Raises KeyError where none has."""
        return self._found(name)[0]

    def _found(self, name: str) -> tuple[int, bytes]:
        encoded = os.fsencode(name)
        for at in self._index.having_hash(name):
            raw = self._held[at]
            if raw[_DIGEST_BYTES:] == encoded:
                return at, raw[:_DIGEST_BYTES]
        raise KeyError(name)
