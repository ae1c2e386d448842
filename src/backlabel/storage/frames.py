"""Typed records as pandas tables, for metrics, plots and Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from backlabel.storage import tables
from backlabel.storage.tables import Record

# "string" and "Int64" keep the type of a column that holds nothing; bool columns always hold all.
_KINDS = {str: "string", int: "Int64", float: "float64", bool: "bool"}


def frame(record: type[Record], rows: Sequence[Record]) -> pd.DataFrame:
    """A line for each of `rows` and a typed column for each field of the dataclass `record`.

    File names are cells as in `tables.write`, since pandas holds no name that is not Unicode. None
    is pandas' missing value.
    """
    kinds: dict[str, Any] = {
        name: _KINDS[kind] for name, kind in tables.plain_kinds(record).items()
    }
    return pd.DataFrame(tables.plain_columns(record, rows), dtype=object).astype(kinds)
