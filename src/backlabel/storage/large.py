"""Tables that may be large: CSV for people, and above a number of rows Parquet for the stages.

Parquet is read as columns, for which ten million rows are little; the records are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from backlabel.storage import paths, tables
from backlabel.storage.files import atomic_write
from backlabel.storage.tables import Record

_TOGETHER = 10_000
"""Rows that are held as records, and that Parquet has as a group."""


@dataclass(frozen=True)
class Form:
    """How tables are written, by their size."""

    parquet_above: int
    """So many rows are CSV alone; a larger table is Parquet, too."""
    large_csv: bool
    """Whether that is CSV at all; otherwise its CSV is an empty file, which is read as no table."""

    def has_csv(self, count: int) -> bool:
        """Whether a table of `count` rows is written as CSV."""
        return self.large_csv or count <= self.parquet_above


def write(
    path: Path, record: type[Record], rows: Iterable[Record], *, count: int, form: Form
) -> None:
    """Write `rows`, about `count` of them, to `path`, and a large table to `paths.parquet_path`."""
    large = paths.parquet_path(path)
    large.unlink(missing_ok=True)  # it must not outlive the CSV that has its rows
    if count <= form.parquet_above:
        tables.write(path, record, rows)
        return
    from backlabel.storage import batches  # noqa: PLC0415 - Arrow is slow to import

    rest = iter(rows)
    with atomic_write(path) as file, batches.writing(large, record) as put:
        if form.large_csv:
            file.write(tables.header(record))
        while some := list(itertools.islice(rest, _TOGETHER)):
            lines = "".join(tables.lines(record, some))
            put(lines)
            if form.large_csv:
                file.write(lines)


def read(path: Path, record: type[Record]) -> Sequence[Record]:
    """The rows of `path`: records of a small table, columns of a large one. Raises TableError."""
    if not paths.parquet_path(path).exists():
        return tables.read(path, record)
    from backlabel.storage import columns  # noqa: PLC0415 - as above

    return columns.read(path, record)


def keyed(rows: Sequence[Record], *names: str) -> Mapping[Any, Record]:
    """`rows` by the value of a column, or the values of several, that each has for itself."""
    if isinstance(rows, list):
        return {attrgetter(*names)(row): row for row in rows}
    from backlabel.storage.keyed import Keyed  # noqa: PLC0415 - as above

    return Keyed(rows, names)
