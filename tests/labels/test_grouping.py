"""What originals share by `label.group_by`."""

from __future__ import annotations

import pytest

from backlabel.errors import DataError, TableError
from backlabel.labels import grouping

PATHS = ["data/tiff/one.tif", "data/tiff/wafer 3/two.tif", "data/tiff/regina/wafer 3/two.tif"]


def shared(group_by, table=None):
    return [*grouping.shared(PATHS, group_by, ["data/tiff"], table and str(table))]


def test_a_folder_is_a_specimens_but_for_the_folder_of_all():
    assert shared("folder") == [None, "data/tiff/wafer 3", "data/tiff/regina/wafer 3"]


def test_near_duplicates_alone_share_nothing_else():
    assert shared("near_duplicates") == [None, None, None]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "specimens.csv"
    lines = [f"{name},{cell},x" for name, cell in zip(PATHS, ["A", "NA", ""], strict=True)]
    path.write_text("\n".join(["TIFF_path,wafer,more", *lines, "data/tiff/other.tif,B,x", ""]))
    return path


def test_cells_of_a_table_as_they_stand_and_an_empty_one_for_nothing(table):
    assert shared("column:wafer", table) == ["A", "NA", None]


def test_a_byte_order_mark_of_a_spreadsheet_does_no_harm(table):
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert shared("column:wafer", table) == ["A", "NA", None]


def test_a_tiff_without_a_line_is_named(table):
    table.write_text(table.read_text().replace(PATHS[1], "data/tiff/else.tif"))
    with pytest.raises(DataError, match=r"no line for 1 of 3 .*wafer 3/two\.tif"):
        shared("column:wafer", table)


def test_two_values_for_one_tiff_are_refused(table):
    table.write_text(table.read_text() + f"{PATHS[0]},B,x\n")
    with pytest.raises(TableError, match=r"one\.tif stands under two values of 'wafer'"):
        shared("column:wafer", table)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"TIFF_path;wafer\n", "no column 'TIFF_path' among its columns TIFF_path;wafer"),
        (b"TIFF_path,specimen\n", "no column 'wafer' among its columns TIFF_path, specimen"),
        (b"", "not a CSV table"),
        (b"TIFF_path,wafer\n\xff,A\n", "not a CSV table in UTF-8"),
        (b"TIFF_path,wafer\none.tif,A,x\n", "line 2: 3 cells in 2 columns"),
        (b"TIFF_path,wafer\ndata\\tiff\\one.tif,A\n", "backslash"),
    ],
)
def test_what_is_no_such_table_is_refused(table, content, complaint):
    table.write_bytes(content)
    with pytest.raises(TableError, match=complaint):
        shared("column:wafer", table)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TableError, match=r"none\.csv"):
        shared("column:wafer", tmp_path / "none.csv")
