"""A table held as columns: a row is made when somebody asks for it.

An archive of ten million images fits into memory this way, and not as ten million records: hashes
and digests are packed bytes, words are Arrow's. The table reads like a list of its records.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from backlabel.errors import TableError
from backlabel.storage import paths, tables
from backlabel.storage.files import atomic_write

Record = TypeVar("Record")

PACKED = {"phash": 128, "phash_grey": 128, "sha256": 32}
"""Columns of hexadecimal digits, and the bytes of one value."""
_TOGETHER = 500  # rows of a column that are Python's at a time
_SPARSE = 8  # times as many cells are made at once as are asked for, as quickly
_BLOCK = 1 << 16  # bytes of a file that are parsed at a time
_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
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

    Where `only` some columns are named, they alone can be asked for, and no record. Of CSV so many
    bytes are parsed at a time as `block` says, and more where a row is longer. Raises TableError as
    `tables.read` does.
    """
    large = paths.parquet_path(path)
    path, opened = (
        (large, partial(_parquet, only=only))
        if large.exists()
        else (path, partial(_csv, block=block))
    )
    remedy = "Run the stage that writes it again."
    expected = list(tables.plain_kinds(record))
    try:
        with opened(path, record) as (schema, batches):
            if schema.names != expected:
                raise TableError(f"{path}: columns {schema.names}, expected {expected}. {remedy}")
            kept = pa.schema([one for one in schema if only is None or one.name in only])
            return _gathered(record, batches, kept)
    except FileNotFoundError as error:
        raise TableError(f"{path}: not found. {remedy}") from error
    except OSError as error:
        said = error.strerror or error
        raise TableError(f"{path}: cannot be read ({said}). {remedy}") from error
    except (pa.ArrowInvalid, ValueError) as error:
        if "straddling" in str(error) and block < path.stat().st_size:  # a row that is longer
            return read(path, record, only, 16 * block)
        raise TableError(f"{path}: not such a table ({error}). {remedy}") from error


@contextmanager
def writing(path: Path, record: type[Any]) -> Iterator[Callable[[str], None]]:
    """A function that adds lines of CSV to the Parquet file `path`, whole at the end."""
    kinds = tables.plain_kinds(record)
    types = {name: _TYPES[kind] for name, kind in kinds.items()}
    short = {name: pa.binary(PACKED[name]) for name in kinds if name in PACKED}
    schema = pa.schema(types | short)
    with (
        atomic_write(path, "wb") as file,
        parquet.ParquetWriter(file, schema, write_page_checksum=True) as writer,
    ):

        def put(lines: str) -> None:
            read = arrow_csv.read_csv(
                pa.BufferReader(text := lines.encode()),
                _reading(len(text) + 1, list(kinds)),
                _PARSING,
                _converting(types),
            )
            (batch,) = read.to_batches()
            for name, kind in short.items():
                held = [None, pa.py_buffer(unhexed(batch.column(name), kind.byte_width))]
                array = pa.Array.from_buffers(kind, len(batch), held)
                batch = batch.set_column(batch.schema.get_field_index(name), name, array)
            writer.write_batch(batch)

        yield put


_PARSING = arrow_csv.ParseOptions(newlines_in_values=True)


def _reading(block: int, names: Sequence[str] = ()) -> arrow_csv.ReadOptions:
    return arrow_csv.ReadOptions(use_threads=False, block_size=block, column_names=names)


def _converting(types: Mapping[str, pa.DataType]) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(column_types=types, null_values=[""])


_Opened: TypeAlias = tuple[pa.Schema, Iterable[pa.RecordBatch]]


@contextmanager
def _csv(path: Path, record: type[Any], block: int) -> Iterator[_Opened]:
    types = {name: _TYPES[kind] for name, kind in tables.plain_kinds(record).items()}
    with arrow_csv.open_csv(path, _reading(block), _PARSING, _converting(types)) as reader:
        yield reader.schema, reader


@contextmanager
def _parquet(path: Path, _: type[Any], only: Collection[str] | None) -> Iterator[_Opened]:
    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        # Not `iter_batches`, which takes the whole file into memory.
        groups = (
            file.read_row_group(i, only and [*only], use_threads=False)
            for i in range(file.num_row_groups)
        )
        yield file.schema_arrow, (batch for group in groups for batch in group.to_batches())


def _gathered(
    record: type[Record], batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> Columns[Record]:
    packed = {name: bytearray() for name in schema.names if name in PACKED}
    kept = pa.schema([one for one in schema if one.name not in PACKED])
    words = []
    for batch in batches:
        for name in packed:
            packed[name] += _bytes(batch.column(name), PACKED[name]).data
        words.append(batch.select(kept.names))
    return Columns(
        record,
        pa.Table.from_batches(words, kept),
        {
            name: np.frombuffer(held, np.uint8).reshape(-1, PACKED[name])
            for name, held in packed.items()
        },
    )


def _bytes(column: pa.Array, bytes_each: int) -> NDArray[np.uint8]:
    """(rows, bytes): of digits, or of what `writing` made of them."""
    if not pa.types.is_fixed_size_binary(column.type):
        return unhexed(column, bytes_each)
    held = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, bytes_each)
    return held[column.offset : column.offset + len(column)]


def unhexed(column: pa.StringArray, bytes_each: int) -> NDArray[np.uint8]:
    """(rows, bytes): what lower-case digits stand for. Raises ValueError for anything else."""
    _, offsets, digits = column.buffers()
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    ends = np.frombuffer(offsets, kind)[column.offset : column.offset + len(column) + 1]
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


def values(rows: Iterable[Any], name: str) -> Iterator[Any]:
    """The column `name` of records or of `Columns`, value by value."""
    return rows.values(name) if isinstance(rows, Columns) else (getattr(row, name) for row in rows)


def value(rows: Sequence[Any], at: int, name: str) -> Any:
    """One cell of records or of `Columns`."""
    return rows.value(at, name) if isinstance(rows, Columns) else getattr(rows[at], name)


def in_order(keys: Callable[[], Iterable[Any]], count: int) -> Sequence[int]:
    """The numbers of `count` things in the order of their keys, which may be asked for twice."""
    if all(one <= other for one, other in itertools.pairwise(keys())):
        return range(count)
    return [i for i, _ in sorted(enumerate(keys()), key=operator.itemgetter(1))]


def taken(rows: Sequence[Record], at: Sequence[int] | NDArray[np.int64]) -> Sequence[Record]:
    """Those of `rows`, in that order."""
    return rows.taken(at) if isinstance(rows, Columns) else [rows[i] for i in at]


def in_blocks(items: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    """`items`, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
