"""What came of many files, packed: 300 bytes each, and Python objects for failures alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeAlias, overload

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.hashing.bits import HASH_BYTES
from backlabel.hashing.cache import Hashed, decoded, encoded
from backlabel.hashing.identity import Content
from backlabel.inventory.files import Files

Outcome: TypeAlias = Hashed | UnreadableImageError
_DIGEST_BYTES = 32
_NOT_YET = -1


class Outcomes(Sequence[Outcome]):
    """One outcome for each of `items`, in their order; they may be put in any order."""

    def __init__(self, items: Files) -> None:
        self._items = items
        self._rows = range(len(items))
        self._digests = np.zeros((len(items), _DIGEST_BYTES), np.uint8)
        self._hashes = np.zeros((len(items), 2 * HASH_BYTES), np.uint8)
        self._said = np.full(len(items), _NOT_YET, np.int32)
        self._words: dict[bytes, int] = {}
        """What is said of a picture beside its hashes; most pictures share it with many."""
        self._nth: list[bytes] = []
        self._identities: dict[int, bytes] = {}
        """Of files with further pages, which will be opened again."""
        self._errors: dict[int, UnreadableImageError] = {}

    def put(self, at: int, outcome: Outcome) -> None:
        """What came of item `at`."""
        if isinstance(outcome, UnreadableImageError):
            self._errors[at] = outcome
            return
        raw = encoded(outcome.entry)
        self._digests[at] = np.frombuffer(bytes.fromhex(outcome.content.sha256), np.uint8)
        self._hashes[at] = np.frombuffer(raw, np.uint8, 2 * HASH_BYTES)
        words = raw[2 * HASH_BYTES :]
        if words not in self._words:
            self._words[words] = len(self._nth)
            self._nth.append(words)
        self._said[at] = self._words[words]
        if outcome.entry.others:
            self._identities[at] = outcome.content.identity

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Outcome: ...
    @overload
    def __getitem__(self, at: slice) -> Outcomes: ...
    def __getitem__(self, at: int | slice) -> Outcome | Outcomes:
        if isinstance(at, slice):
            some = copy.copy(self)
            some._rows = self._rows[at]
            return some
        row = self._rows[at]
        if row in self._errors:
            return self._errors[row]
        assert self._said[row] != _NOT_YET
        content = Content(self._digests[row].tobytes().hex(), self._identities.get(row, b""))
        raw = self._hashes[row].tobytes() + self._nth[self._said[row]]
        return Hashed(self._items[row].kind, content, decoded(raw))
