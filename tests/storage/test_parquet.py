"""Records as Parquet, which pandas reads with the types that they have."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

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


def part(path, number, readers):
    """The rows that one of several readers takes."""
    with ParquetFile(path) as file:
        table = file.read_row_groups(range(number, file.num_row_groups, readers))
    return table["bits"].to_pylist()


def test_readers_at_a_time_share_a_large_table_by_its_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "TOGETHER", 10_240)
    path = tmp_path / "a.parquet"
    with path.open("wb") as file:
        parquet.write(file, Row, MANY)
    with ThreadPoolExecutor(2) as executor:
        first, second = executor.map(partial(part, path, readers=2), range(2))
    assert first == [*range(10_240), *range(20_480, 30_000)]
    assert second == [*range(10_240, 20_480)]
