"""Files that may be images: their paths lie on the disk, and no object is held for a file."""

from __future__ import annotations

import copy
import itertools
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from backlabel.inventory.content import KINDS, Kind
from backlabel.storage.scratch import Shelf
from backlabel.storage.tables import FileName


@dataclass(frozen=True, slots=True)
class Listed:
    """A file whose name says that it is an image; what it holds, only reading it will tell."""

    path: FileName  # with "/", and with the root as it was given in front
    kind: Kind


class Files(Sequence[Listed]):
    """Files in an order. Those that a slice or `taken` gives share what this one holds."""

    def __init__(self, files: Iterable[Listed] = ()) -> None:
        self._held = Shelf()
        for one in files:
            self._held.append(bytes([KINDS.index(one.kind)]) + os.fsencode(one.path))
        self._rows: Sequence[int] = range(len(self._held))

    def taken(self, rows: Sequence[int]) -> Files:
        """Those files, in that order."""
        some = copy.copy(self)
        some._rows = array("q", map(self._rows.__getitem__, rows))
        return some

    def joined(self, others: Files) -> Files:
        """These files, and then the `others`."""
        return Files(itertools.chain(self, others))

    @property
    def paths(self) -> Paths:
        """Their paths."""
        return Paths(self)

    def path(self, at: int) -> str:
        """The path of one of them."""
        return self[at].path

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Listed: ...
    @overload
    def __getitem__(self, at: slice) -> Files: ...
    def __getitem__(self, at: int | slice) -> Listed | Files:
        if isinstance(at, slice):
            some = copy.copy(self)
            some._rows = self._rows[at]
            return some
        raw = self._held[self._rows[at]]
        return Listed(os.fsdecode(raw[1:]), KINDS[raw[0]])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Paths(Sequence[str]):
    """The paths of files, made when they are asked for."""

    files: Files

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Paths: ...
    def __getitem__(self, at: int | slice) -> str | Paths:
        return Paths(self.files[at]) if isinstance(at, slice) else self.files.path(at)
