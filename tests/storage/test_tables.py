"""Records come back from their table as they went in; torn tables are refused."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass

import pandas as pd
import pytest

from backlabel.errors import TableError
from backlabel.storage import tables
from backlabel.storage.rows import Verdict
from backlabel.storage.tables import FileName


@dataclass(frozen=True)
class Row:
    path: FileName
    bits: int
    share: float | None
    sure: bool
    verdict: Verdict
    other: FileName | None


ROWS = [
    Row("a/b c.tif", 3, 0.1, True, Verdict.MATCHED, "x\ny.jpg"),
    Row(os.fsdecode(b'\xff,".tif'), 0, None, False, Verdict.TOO_DIFFERENT, None),
    Row("null", 1, 1e-9, False, Verdict.UNREADABLE, "=1.jpg"),
]


def test_round_trip(tmp_path):
    path = tmp_path / "new" / "rows.csv"
    tables.write(path, Row, ROWS)
    assert tables.read(path, Row) == ROWS


@dataclass(frozen=True)
class Note:
    who: str
    why: str


TEXTS = ["", " a ", ",", ",,", '"', 'a"b', "a\nb", "é\u2028"]


def test_a_line_is_as_csv_has_it():
    by_csv = io.StringIO(newline="")
    csv.writer(by_csv, lineterminator="\n").writerows(["Ada", text] for text in TEXTS)
    assert "".join(tables.lines(Note, [Note("Ada", text) for text in TEXTS])) == by_csv.getvalue()


@pytest.mark.parametrize("text", [*TEXTS, "a\rb", "\r\n"])
def test_any_text_comes_back(tmp_path, text):
    notes = [Note("Ada", text), Note(text, "")]
    tables.write(tmp_path / "notes.csv", Note, notes)
    assert tables.read(tmp_path / "notes.csv", Note) == notes


def test_pandas_reads_it(tmp_path):
    tables.write(tmp_path / "rows.csv", Row, ROWS[:1])
    read = pd.read_csv(tmp_path / "rows.csv")
    assert list(read) == ["path", "bits", "share", "sure", "verdict", "other"]
    assert read.loc[0, "path"] == "a/b c.tif"
    assert bool(read.loc[0, "sure"]) is True


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("path,bits\n", "columns"),
        ("path,bits,share,sure,verdict,other\na,1\n", "2 cells"),
        ("path,bits,share,sure,verdict,other\na,x,,True,matched,\n", "line 2"),
        ("path,bits,share,sure,verdict,other\na,1,,yes,matched,\n", "line 2"),
    ],
    ids=["other columns", "short row", "no number", "no truth value"],
)
def test_torn_table_is_refused(tmp_path, text, complaint):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(TableError, match=complaint):
        tables.read(tmp_path / "rows.csv", Row)


def test_missing_table_names_itself(tmp_path):
    with pytest.raises(TableError, match=r"rows\.csv: not found"):
        tables.read(tmp_path / "rows.csv", Row)


def test_a_row_that_fails_leaves_no_file(tmp_path):
    def rows():
        yield ROWS[0]
        raise RuntimeError("in mid-table")

    with pytest.raises(RuntimeError):
        tables.write(tmp_path / "rows.csv", Row, rows())
    assert list(tmp_path.iterdir()) == []
