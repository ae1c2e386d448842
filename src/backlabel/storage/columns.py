"""A table held as columns: a row is made when somebody asks for it.

The columns lie in files without a name, which are mapped: hashes and digests as packed bytes, words
as Arrow's. Memory holds what is being looked at. The table reads like a list of its records.
"""

from __future__ import annotations

import heapq
import itertools
import marshal
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backlabel.errors import TableError
from backlabel.storage import batches, paths, tables
from backlabel.storage.batches import PACKED
from backlabel.storage.scratch import Scratch, Shelf

Record = TypeVar("Record")

_TOGETHER = 500  # rows of a column that are Python's at a time
_SORTED = 20_000  # keys that are sorted in memory
_SPARSE = 8  # times as many cells are made at once as are asked for, as quickly
_BLOCK = 1 << 17  # bytes of a file that are parsed at a time


class Columns(Sequence[Record], Generic[Record]):
    """The records `record` of a table, in an order that `taken` may change."""

    def __init__(
        self,
        record: type[Record],
        words: pa.Table,
        packed: dict[str, NDArray[np.uint8]],
        order: NDArray[np.int64] | None = None,
    ) -> None:
        self._record, self._words, self._packed = record, words, packed
        self._columns = {name: words[name] for name in words.column_names}
        self._order = np.arange(words.num_rows) if order is None else order
        self._readers = tables.readers(record)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Columns[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | Columns[Record]:
        if isinstance(at, slice):
            return self.taken(np.arange(len(self))[at])
        row = int(self._order[at])
        return self._record(**{name: self._cell(name, row) for name in self._readers})

    def taken(self, rows: Sequence[int] | NDArray[np.int64]) -> Columns[Record]:
        """The table of those rows, in that order; it shares the columns of this one."""
        order = self._order[np.asarray(rows, np.int64)]
        return Columns(self._record, self._words, self._packed, order)

    def packed(self, name: str) -> NDArray[np.uint8]:
        """(rows, bytes): the column `name` of `PACKED`; no copy where the rows lie in order."""
        if (np.diff(self._order) == 1).all():
            first = int(self._order[0]) if len(self) else 0
            return self._packed[name][first : first + len(self)]
        copied = Scratch()
        for start in range(0, len(self), _TOGETHER):
            copied.add(self._packed[name][self._order[start : start + _TOGETHER]].data)
        return copied.array().reshape(-1, PACKED[name])

    def __iter__(self) -> Iterator[Record]:
        return map(self._record, *map(self.values, self._readers))

    def values(self, name: str) -> Iterator[Any]:
        """The column `name`, value by value."""
        for start in range(0, len(self), _TOGETHER):
            yield from self._block(name, self._order[start : start + _TOGETHER])

    def _block(self, name: str, rows: NDArray[np.int64]) -> Iterable[Any]:
        if name in PACKED:
            digits, each = self._packed[name][rows].tobytes().hex(), 2 * PACKED[name]
            return [digits[i : i + each] for i in range(0, len(digits), each)]
        low, high = int(rows.min()), int(rows.max()) + 1
        if high - low > _SPARSE * len(rows):
            return [self._cell(name, row) for row in rows.tolist()]
        cells, read = self._columns[name].slice(low, high - low).to_pylist(), self._readers[name]
        found = map(cells.__getitem__, (rows - low).tolist())
        if read is str:
            return found
        return (read(cell) if isinstance(cell, str) else cell for cell in found)

    def value(self, at: int, name: str) -> Any:
        """One cell, without making a record of its row."""
        return self._cell(name, int(self._order[at]))

    def _cell(self, name: str, row: int) -> Any:
        if name in PACKED:
            return self._packed[name][row].tobytes().hex()
        cell = self._columns[name][row].as_py()
        return self._readers[name](cell) if isinstance(cell, str) else cell


def read(
    path: Path, record: type[Record], only: Collection[str] | None = None, block: int = _BLOCK
) -> Columns[Record]:
    """The table at `path`, read piece by piece, from Parquet where it is large.

    Where `only` some columns are named, they alone can be asked for, and no record. Of CSV `block`
    bytes are parsed at a time, and more where a row is longer. Raises TableError as `tables.read`
    does.
    """
    large = paths.parquet_path(path)
    path, opened = (
        (large, partial(batches.of_parquet, only=only))
        if large.exists()
        else (path, partial(batches.of_csv, record=record, block=block))
    )
    remedy = "Run the stage that writes it again."
    expected = list(tables.plain_kinds(record))
    try:
        with opened(path) as (schema, read):
            if schema.names != expected:
                raise TableError(f"{path}: columns {schema.names}, expected {expected}. {remedy}")
            kept = pa.schema([one for one in schema if only is None or one.name in only])
            return _gathered(record, read, kept)
    except FileNotFoundError as error:
        raise TableError(f"{path}: not found. {remedy}") from error
    except OSError as error:
        said = error.strerror or error
        raise TableError(f"{path}: cannot be read ({said}). {remedy}") from error
    except (pa.ArrowInvalid, ValueError) as error:
        raise TableError(f"{path}: not such a table ({error}). {remedy}") from error


def _gathered(
    record: type[Record], read: Iterable[pa.RecordBatch], schema: pa.Schema
) -> Columns[Record]:
    packed = {name: Scratch() for name in schema.names if name in PACKED}
    kept = pa.schema([one for one in schema if one.name not in PACKED])
    words, places = Scratch(), []
    waiting: list[pa.RecordBatch] = []

    def put() -> None:
        """Words of many rows together: each batch is an object."""
        for batch in pa.Table.from_batches(waiting, kept).combine_chunks().to_batches():
            raw = batch.serialize()
            places.append((words.add(raw), raw.size))
        waiting.clear()

    for batch in read:
        for name, file in packed.items():
            file.add(batches.packed_bytes(batch.column(name), PACKED[name]).data)
        waiting.append(batch.select(kept.names))
        if sum(map(len, waiting)) >= _TOGETHER:
            put()
    put()
    mapped = pa.py_buffer(words.array())
    return Columns(
        record,
        pa.Table.from_batches(
            [pa.ipc.read_record_batch(mapped.slice(*place), kept) for place in places], kept
        ),
        {name: file.array().reshape(-1, PACKED[name]) for name, file in packed.items()},
    )


def packed(rows: Sequence[Any], name: str) -> NDArray[np.uint8]:
    """(rows, bytes): the column `name` of records or of `Columns`."""
    if isinstance(rows, Columns):
        return rows.packed(name)
    held = bytes.fromhex("".join(getattr(row, name) for row in rows))
    return np.frombuffer(held, np.uint8).reshape(len(rows), PACKED[name])


def values(rows: Iterable[Any], name: str) -> Iterator[Any]:
    """The column `name` of records or of `Columns`, value by value."""
    return rows.values(name) if isinstance(rows, Columns) else (getattr(row, name) for row in rows)


def value(rows: Sequence[Any], at: int, name: str) -> Any:
    """One cell of records or of `Columns`."""
    return rows.value(at, name) if isinstance(rows, Columns) else getattr(rows[at], name)


def in_order(keys: Callable[[], Iterable[Any]], count: int) -> Sequence[int]:
    """The numbers of `count` things in the order of their keys, which may be asked for twice.

    Keys are bytes, words, numbers or tuples of them. Some are sorted at a time, and merged from the
    disk.
    """
    if all(one <= other for one, other in itertools.pairwise(keys())):
        return range(count)
    held, numbered = Shelf(), zip(keys(), itertools.count())
    runs = [*in_blocks(range(count), _SORTED)]
    for run in runs:
        for at, one in zip(run, sorted(itertools.islice(numbered, len(run))), strict=True):
            held[at] = marshal.dumps(one)
    sides = [map(marshal.loads, map(held.__getitem__, run)) for run in runs]
    return array("q", (number for _, number in heapq.merge(*sides)))


def taken(rows: Sequence[Record], at: Sequence[int] | NDArray[np.int64]) -> Sequence[Record]:
    """Those of `rows`, in that order."""
    return rows.taken(at) if isinstance(rows, Columns) else [rows[i] for i in at]


def in_blocks(items: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    """`items`, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
