"""Tables as batches of Arrow's: CSV or Parquet to columns, and lines of CSV to Parquet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from backlabel.storage import tables
from backlabel.storage.files import atomic_write

PACKED = {"phash": 128, "phash_grey": 128, "sha256": 32}
"""Columns of hexadecimal digits, and the bytes of one value."""
_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_NO_DIGIT = 255
_DIGITS = np.full(256, _NO_DIGIT, np.uint8)
for _value, _digit in enumerate(b"0123456789abcdef"):
    _DIGITS[_digit] = _value
Opened: TypeAlias = tuple[pa.Schema, Iterable[pa.RecordBatch]]
"""The columns of a table, and its rows."""


@contextmanager
def writing(path: Path, record: type[Any]) -> Iterator[Callable[[str], None]]:
    """A function that adds lines of CSV to the Parquet file `path`, whole at the end."""
    _leave_no_pages()
    types = _types(record)
    short = {name: pa.binary(PACKED[name]) for name in types if name in PACKED}
    with (
        atomic_write(path, "wb") as file,
        parquet.ParquetWriter(file, pa.schema(types | short), write_page_checksum=True) as writer,
    ):

        def put(lines: str) -> None:
            batch = _parsed(lines.encode(), types)
            for name, kind in short.items():
                held = [None, pa.py_buffer(unhexed(batch.column(name), kind.byte_width))]
                array = pa.Array.from_buffers(kind, len(batch), held)
                batch = batch.set_column(batch.schema.get_field_index(name), name, array)
            writer.write_batch(batch)

        yield put


def _leave_no_pages() -> None:
    """Of a table that was read or written, where Arrow has the allocator that gives them back.

    Its usual one keeps 10 MB.
    """
    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())


def _types(record: type[Any]) -> dict[str, pa.DataType]:
    """The columns of CSV."""
    return {name: _TYPES[kind] for name, kind in tables.plain_kinds(record).items()}


def _parsed(lines: bytes, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """Lines of CSV as one batch."""
    read = arrow_csv.read_csv(
        pa.BufferReader(lines),
        arrow_csv.ReadOptions(
            use_threads=False, block_size=len(lines) + 1, column_names=list(types)
        ),
        arrow_csv.ParseOptions(newlines_in_values=True),
        arrow_csv.ConvertOptions(column_types=types, null_values=[""]),
    )
    (batch,) = read.to_batches()
    return batch


@contextmanager
def of_csv(path: Path, record: type[Any], block: int) -> Iterator[Opened]:
    """The CSV file `path`, of which `block` bytes are parsed at a time, or as many as a row has."""
    _leave_no_pages()
    types = _types(record)
    with path.open("rb") as file:
        names = file.readline().decode().rstrip("\r\n").split(",")
        schema = pa.schema([(name, types.get(name, pa.null())) for name in names])
        yield schema, (_parsed(lines, types) for lines in _whole_lines(file, block))


def _whole_lines(file: IO[bytes], block: int) -> Iterator[bytes]:
    """The rest of a CSV file in pieces of `block` bytes and what completes a row.

    Reading by itself, Arrow would have two megabytes ahead.
    """
    piece, quotes = bytearray(), 0
    for line in file:
        piece += line
        quotes += line.count(b'"')
        if len(piece) >= block and quotes % 2 == 0:
            yield bytes(piece)
            piece = bytearray()
    if piece:
        yield bytes(piece)


@contextmanager
def of_parquet(path: Path, only: Collection[str] | None) -> Iterator[Opened]:
    """The Parquet file `path`, or `only` some of its columns."""
    _leave_no_pages()
    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        # Not `iter_batches`, which takes the whole file into memory.
        groups = (
            file.read_row_group(i, only and [*only], use_threads=False)
            for i in range(file.num_row_groups)
        )
        yield file.schema_arrow, (batch for group in groups for batch in group.to_batches())


def packed_bytes(column: pa.Array, bytes_each: int) -> NDArray[np.uint8]:
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
