"""Rows of a table that are found by what each has for itself, and no Python object for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from backlabel.storage import columns
from backlabel.storage.digests import Index

Record = TypeVar("Record")


class Keyed(Mapping[Any, Record], Generic[Record]):
    """Rows by the values of the columns `names`, that each has for itself: sixteen bytes a row."""

    def __init__(self, rows: Sequence[Record], names: Sequence[str]) -> None:
        self.rows, self._names = rows, names
        self._index = Index(self, len(rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        found = [columns.values(self.rows, name) for name in self._names]
        return found[0] if len(found) == 1 else zip(*found, strict=True)

    def __getitem__(self, key: Any) -> Record:
        return self.rows[self.number(key)]

    def number(self, key: Any) -> int:
        """Which row has this key. Raises KeyError where none has."""
        for at in self._index.having_hash(key):
            found = tuple(columns.value(self.rows, at, name) for name in self._names)
            if key == (found if len(found) > 1 else found[0]):
                return at
        raise KeyError(key)

    def taken(self, keys: Iterable[Any], count: int) -> Sequence[Record]:
        """The rows of `count` keys, in their order."""
        return columns.taken(self.rows, np.fromiter(map(self.number, keys), np.int64, count))
