"""Pictures that are to be labelled: rows of the mapping, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.storage import columns
from backlabel.storage.rows import Decision, Match


@dataclass(frozen=True)
class Decided:
    """The row of a picture that is to be labelled, and the decision where a person made one."""

    match: Match
    decision: Decision | None = None


class Chosen(Iterable[Decided]):
    """Rows `at` of `mapping`, in that order; `by_people` has those that a decision changed."""

    def __init__(
        self,
        mapping: Sequence[Match],
        at: Sequence[int] | NDArray[np.int64],
        by_people: Mapping[int, Decided],
    ) -> None:
        self._mapping, self._at = mapping, np.asarray(at, np.int64)
        self.by_people = by_people

    def taken(self, rows: Sequence[int] | NDArray[np.int64]) -> Chosen:
        """Those of them, in that order."""
        return Chosen(self._mapping, self._at[np.asarray(rows, np.int64)], self.by_people)

    def values(self, name: str) -> Iterator[Any]:
        """The column `name` of their rows, value by value."""
        found = columns.values(columns.taken(self._mapping, self._at), name)
        if not self.by_people:
            yield from found
            return
        for at, value in zip(self._at, found, strict=True):
            decided = self.by_people.get(int(at))
            yield getattr(decided.match, name) if decided else value

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[Decided]:
        rows = columns.taken(self._mapping, self._at)
        for at, row in zip(self._at, rows, strict=True):
            yield self.by_people.get(int(at)) or Decided(row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Iterable) and [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]
