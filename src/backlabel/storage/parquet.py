"""Typed records as Parquet, by pyarrow alone: pandas takes half a second more to import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO

import pyarrow as pa
from pyarrow import parquet

from backlabel.storage import tables
from backlabel.storage.tables import Record

_TYPES = {str: pa.large_string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_IN_PANDAS = {
    str: ("object", "string"),
    int: ("int64", "Int64"),
    float: ("float64", "float64"),
    bool: ("bool", "bool"),
}
"""Its name for the type of the values, and of a column; these two keep what is missing apart."""


def write(file: IO[bytes], record: type[Record], rows: Sequence[Record]) -> None:
    """Write a line for each of `rows`, which pandas reads as `backlabel.storage.frames.frame`."""
    kinds = tables.plain_kinds(record)
    columns = tables.plain_columns(record, rows)
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in kinds.items()])
    table = pa.table(
        {name: pa.array(columns[name], _TYPES[kind]) for name, kind in kinds.items()},
        schema=schema.with_metadata({"pandas": json.dumps(_for_pandas(kinds))}),
    )
    parquet.write_table(table, file, write_page_checksum=True)


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
