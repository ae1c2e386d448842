"""Typed records as Parquet, by pyarrow alone: pandas takes half a second more to import."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json
from pyarrow import parquet

from backlabel.storage import tables
from backlabel.storage.files import atomic_write
from backlabel.storage.tables import Record

TOGETHER = 2_048
"""Rows of a group; who writes a file holds one of these, and readers one or several at a time."""
_AT_ONCE = 512  # rows that are Python's at a time
_TYPES = {str: pa.large_string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_IN_PANDAS = {
    str: ("object", "string"),
    int: ("int64", "Int64"),
    float: ("float64", "float64"),
    bool: ("bool", "bool"),
}
"""Its name for the type of the values, and of a column; these two keep what is missing apart."""


_BLOCK = 64 << 20  # bytes; a line must be shorter


def write(file: IO[bytes], record: type[Record], rows: Iterable[Record]) -> None:
    """Write a line for each of `rows`, which pandas reads as `backlabel.storage.frames.frame`."""
    kinds = tables.plain_kinds(record)
    schema = pa.schema(
        [(name, _TYPES[kind]) for name, kind in kinds.items()],
        {"pandas": json.dumps(_for_pandas(kinds))},
    )
    with parquet.ParquetWriter(file, schema, write_page_checksum=True) as writer:
        rest = iter(rows)
        pieces = (
            _table(schema, tables.plain_columns(record, some))
            for some in iter(lambda: [*islice(rest, _AT_ONCE)], [])
        )
        while group := [*islice(pieces, TOGETHER // _AT_ONCE)]:
            writer.write_table(pa.concat_tables(group), TOGETHER)


def write_bytes(path: Path, columns: Mapping[str, Sequence[bytes]]) -> None:
    """Write columns of equal length to `path`, whole or not at all. Raises OutputError."""
    table = pa.table({name: _binary(values) for name, values in columns.items()})
    with atomic_write(path, "wb") as file:
        parquet.write_table(table, file, write_page_checksum=True)


def read_bytes(path: Path, columns: Sequence[str]) -> list[tuple[bytes, ...]]:
    """The rows of a file that `write_bytes` made; none where it is gone, torn, or another."""
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(list(columns))
        return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
    except (OSError, KeyError, pa.ArrowException):
        return []


def _binary(values: Sequence[bytes]) -> pa.LargeBinaryArray:
    """From its buffers: of Python's own values pyarrow makes no array without importing pandas."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


def _table(schema: pa.Schema, columns: Mapping[str, Sequence[object]]) -> pa.Table:
    """By way of JSON: of Python's own values pyarrow makes no array without importing pandas."""
    lines = "\n".join(
        json.dumps({name: _known(value) for name, value in zip(columns, row, strict=True)})
        for row in zip(*columns.values(), strict=True)
    ).encode()
    table = arrow_json.read_json(
        BytesIO(lines),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema),
    )
    return table.combine_chunks()


def _known(value: object) -> object:
    """A number that is none is missing, as it is to pandas."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _for_pandas(kinds: dict[str, type]) -> dict[str, object]:
    columns = [
        {
            "name": name,
            "field_name": name,
            "pandas_type": _IN_PANDAS[kind][0],
            "numpy_type": _IN_PANDAS[kind][1],
            "metadata": None,
        }
        for name, kind in kinds.items()
    ]
    return {"index_columns": [], "column_indexes": [], "columns": columns, "attributes": {}}
