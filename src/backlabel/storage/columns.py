"""A table of hashes held as columns: a row is made when somebody asks for it.

An archive of ten million images fits into memory this way, and not as ten million records: hashes
and digests are packed bytes, words are Arrow's. The table reads like a list of its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from backlabel.errors import TableError
from backlabel.storage import tables

Record = TypeVar("Record")

PACKED = {"phash": 128, "phash_grey": 128, "sha256": 32}
"""Columns of hexadecimal digits, and the bytes of one value."""
_BLOCK = 1 << 18  # bytes of a file that are parsed at a time
_TYPES = {str: pa.string(), int: pa.int64()}
_NO_DIGIT = 255
_DIGITS = np.full(256, _NO_DIGIT, np.uint8)
for _value, _digit in enumerate(b"0123456789abcdef"):
    _DIGITS[_digit] = _value


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
        return self._packed[name][self._order]

    def values(self, name: str) -> Iterator[Any]:
        """The column `name`, value by value."""
        return (self._cell(name, row) for row in self._order.tolist())

    def value(self, at: int, name: str) -> Any:
        """One cell, without making a record of its row."""
        return self._cell(name, int(self._order[at]))

    def _cell(self, name: str, row: int) -> Any:
        if name in PACKED:
            return self._packed[name][row].tobytes().hex()
        cell = self._columns[name][row].as_py()
        return self._readers[name](cell) if isinstance(cell, str) else cell


def read(path: Path, record: type[Record]) -> Columns[Record]:
    """The table at `path`, read piece by piece. Raises TableError as `tables.read` does."""
    remedy = "Run the stage that writes it again."
    kinds = tables.plain_kinds(record)
    types = {name: _TYPES[kind] for name, kind in kinds.items()}
    try:
        with arrow_csv.open_csv(
            path,
            arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
            arrow_csv.ParseOptions(newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=types),
        ) as reader:
            if reader.schema.names != list(kinds):
                raise TableError(
                    f"{path}: columns {reader.schema.names}, expected {list(kinds)}. {remedy}"
                )
            return _gathered(record, reader, reader.schema)
    except FileNotFoundError as error:
        raise TableError(f"{path}: not found. {remedy}") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror}).") from error
    except (pa.ArrowInvalid, ValueError) as error:
        raise TableError(f"{path}: not a table of hashes ({error}). {remedy}") from error


def _gathered(
    record: type[Record], batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> Columns[Record]:
    packed = {name: bytearray() for name in PACKED}
    words = []
    for batch in batches:
        for name, bytes_each in PACKED.items():
            packed[name] += unhexed(batch.column(name), bytes_each).data
        words.append(batch.drop_columns(list(PACKED)))
    kept = pa.schema([field for field in schema if field.name not in PACKED])
    return Columns(
        record,
        pa.Table.from_batches(words, kept),
        {
            name: np.frombuffer(held, np.uint8).reshape(-1, PACKED[name])
            for name, held in packed.items()
        },
    )


def unhexed(column: pa.StringArray, bytes_each: int) -> NDArray[np.uint8]:
    """(rows, bytes): what lower-case digits stand for. Raises ValueError for anything else."""
    _, offsets, digits = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    if (np.diff(ends) != 2 * bytes_each).any():
        raise ValueError(f"a value is not {2 * bytes_each} hexadecimal digits")
    values = _DIGITS[np.frombuffer(digits or b"", np.uint8)[ends[0] : ends[-1]]]
    if (values == _NO_DIGIT).any():
        raise ValueError("a digit is not hexadecimal")
    found = (values[::2] << 4 | values[1::2]).astype(np.uint8)
    return found.reshape(-1, bytes_each)


def packed(rows: Sequence[Any], name: str) -> NDArray[np.uint8]:
    """(rows, bytes): the column `name` of records or of `Columns`."""
    if isinstance(rows, Columns):
        return rows.packed(name)
    held = bytes.fromhex("".join(getattr(row, name) for row in rows))
    return np.frombuffer(held, np.uint8).reshape(len(rows), PACKED[name])


def values(rows: Sequence[Any], name: str) -> Iterator[Any]:
    """The column `name` of records or of `Columns`, value by value."""
    return rows.values(name) if isinstance(rows, Columns) else (getattr(row, name) for row in rows)


def value(rows: Sequence[Any], at: int, name: str) -> Any:
    """One cell of records or of `Columns`."""
    return rows.value(at, name) if isinstance(rows, Columns) else getattr(rows[at], name)


def taken(rows: Sequence[Record], at: Sequence[int] | NDArray[np.int64]) -> Sequence[Record]:
    """Those of `rows`, in that order."""
    return rows.taken(at) if isinstance(rows, Columns) else [rows[i] for i in at]
