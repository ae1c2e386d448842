"""A table whose lines are on TIFFs, written whole again and again."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Generic, TypeVar

from backlabel.storage import tables
from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Decision, Shown

Line = TypeVar("Line", bound=Decision | Shown)


class Lines(Generic[Line]):
    """The lines of one file by TIFF path; to write a new one makes the text of no other.

    They are in the order of the paths, unless somebody has given the file an order of its own.
    """

    def __init__(self, file: Path, record: type[Line], lines: Iterable[Line]) -> None:
        self._file, self._record = file, record
        self._lines: dict[str, tuple[Line, ...]] = {}
        for line in lines:
            self._lines[line.TIFF_path] = (*self.of(line.TIFF_path), line)
        self._texts = self._as_text(self._lines)
        keys = [os.fsencode(path) for path in self._lines]
        self._is_ordered = keys == sorted(keys)

    def of(self, path: str) -> tuple[Line, ...]:
        """The lines on a TIFF."""
        return self._lines.get(path, ())

    def all(self) -> Mapping[str, tuple[Line, ...]]:
        """The lines of all TIFFs that have any."""
        return self._lines

    def write(self, changed: Mapping[str, tuple[Line, ...]]) -> None:
        """Put the lines of some TIFFs in the place of what they had. Raises OutputError."""
        lines = {path: several for path, several in {**self._lines, **changed}.items() if several}
        paths: Collection[str] = lines
        if self._is_ordered and not lines.keys() <= self._lines.keys():
            paths = sorted(lines, key=os.fsencode)
        known = self._texts | self._as_text(changed)
        texts = {path: known[path] for path in paths}
        with atomic_write(self._file) as file:
            file.write(tables.header(self._record))
            file.writelines(texts.values())
        # Replaced as a whole: other threads read them meanwhile.
        self._lines, self._texts = {path: lines[path] for path in paths}, texts

    def _as_text(self, lines: Mapping[str, tuple[Line, ...]]) -> dict[str, str]:
        texts = tables.lines(self._record, chain.from_iterable(lines.values()))
        return {path: "".join(islice(texts, len(several))) for path, several in lines.items()}
