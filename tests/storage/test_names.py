"""File names survive tables, and tables stay inert."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlabel.storage import names


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("data/tiff/SS 316 P&C_#1_001.tif", "data/tiff/SS 316 P&C_#1_001.tif"),
        ("Müller, Anna/50µm.tif", "Müller, Anna/50µm.tif"),
        ("line1\nline2.tif", r"line1\x0aline2.tif"),
        (r"..\evil.tif", r"..\\evil.tif"),
        (os.fsdecode(b"\xe9chantillon.tif"), r"\xe9chantillon.tif"),
        ("\x85next.tif", r"\u0085next.tif"),
        ("=1+1.tif", r"\x3d1+1.tif"),
        ("@SUM(1).tif", r"\x40SUM(1).tif"),
    ],
    ids=["plain", "unicode", "newline", "backslash", "latin-1", "C1", "formula", "at"],
)
def test_cell(name, cell):
    assert names.to_cell(name) == cell
    assert names.from_cell(cell) == name


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw))
def test_any_bytes_survive_on_one_line(raw):
    cell = names.to_cell(os.fsdecode(raw))
    assert os.fsencode(names.from_cell(cell)) == raw
    assert len(cell.splitlines()) == 1
    assert cell[0] not in "=+-@"


def test_lone_backslash_is_refused():
    with pytest.raises(ValueError, match="backslash"):
        names.from_cell(r"a\b")
