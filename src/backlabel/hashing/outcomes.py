"""What came of many files: on the disk, with Python objects for failures alone."""

from __future__ import annotations

import copy
import marshal
from collections.abc import Sequence
from typing import TypeAlias, overload

from backlabel.errors import UnreadableImageError
from backlabel.hashing.cache import Hashed, decoded, encoded
from backlabel.hashing.identity import Content
from backlabel.storage.scratch import Shelf

Outcome: TypeAlias = Hashed | UnreadableImageError


class Outcomes(Sequence[Outcome]):
    """One outcome for each of `count` files, in their order; they may be put in any order."""

    def __init__(self, count: int) -> None:
        self._rows = range(count)
        self._found = Shelf()
        self._errors: dict[int, UnreadableImageError] = {}

    def put(self, at: int, outcome: Outcome) -> None:
        """What came of file `at`."""
        if isinstance(outcome, UnreadableImageError):
            self._errors[at] = outcome
            return
        content = outcome.content
        values = (outcome.kind, content.sha256, content.identity, encoded(outcome.entry))
        self._found[at] = marshal.dumps(values)

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
        kind, sha256, identity, entry = marshal.loads(self._found[row])  # noqa: S302 - our own
        return Hashed(kind, Content(sha256, identity), decoded(entry))
