"""Records as Parquet, which pandas reads with the types that they have."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from pyarrow.parquet import ParquetFile

from backlabel.storage import parquet
from backlabel.storage.frames import frame
from backlabel.storage.tables import FileName


@dataclass(frozen=True)
class Row:
    name: FileName
    bits: int | None
    score: float | None
    is_known: bool


ROWS = [
    Row("=a\udcff.tif", 3, None, True),
    Row("b.tif", None, 0.25, False),
    Row("", 0, float("nan"), True),
]
MANY = [Row(f"{i}.tif", i, i / 7, i % 2 == 0) for i in range(30_000)]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], [], MANY], ids=["rows", "one", "none", "many"])
def test_pandas_reads_what_it_would_make_of_the_rows_itself(tmp_path, rows):
    with (tmp_path / "a.parquet").open("wb") as file:
        parquet.write(file, Row, rows)
    found = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(found, frame(Row, rows))


def test_a_large_table_is_read_by_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "TOGETHER", 10_000)
    with (tmp_path / "a.parquet").open("wb") as file:
        parquet.write(file, Row, MANY)
    with ParquetFile(tmp_path / "a.parquet") as found:
        assert found.num_row_groups == 3
        assert found.read_row_group(1)["bits"].to_pylist() == [*range(10_000, 20_000)]
