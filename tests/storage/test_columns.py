"""A table of hashes as columns reads like the list of its records."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.errors import TableError
from backlabel.storage import batches, columns, tables
from backlabel.storage.rows import JpegHash, TiffHash

NAMES = ["plain.jpg", "=1+1.jpg", "back\\slash.jpg", "two\nlines.jpg", "\udcff.jpg", "µ,é.jpg"]


def row(number, name):
    bits = np.random.default_rng(number).bytes(128)
    return JpegHash(
        file=name,
        path=f"data/jpeg/{name}",
        phash=bits.hex(),
        phash_grey=bits[::-1].hex(),
        information="flat" if number % 2 else "",
        note='a "word", and another',
        height=number,
        width=7,
        sha256=bits[:32].hex(),
        page=1,
        category="Particles",
        label="L5",
    )


ROWS = [row(number, name) for number, name in enumerate(NAMES)]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "hashes.csv"
    tables.write(path, JpegHash, ROWS)
    return path


@pytest.mark.parametrize("block", [100, 800, 1 << 22], ids=["too little", "a row", "all"])
def test_rows_are_those_of_the_list(table, block):
    found = columns.read(table, JpegHash, block=block)
    assert [*found] == tables.read(table, JpegHash) == ROWS
    assert [*found[1:3]] == ROWS[1:3]
    assert [*found.taken([4, 0])] == [*columns.taken(ROWS, [4, 0])] == [ROWS[4], ROWS[0]]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [2, 3], [5, 0, 3], []])
def test_columns_are_those_of_the_list(table, order):
    found, rows = columns.read(table, JpegHash).taken(order), [ROWS[i] for i in order]
    for name in batches.PACKED:
        assert columns.packed(found, name).tolist() == columns.packed(rows, name).tolist()
    for name in ("path", "height", "information", "sha256"):
        assert [*columns.values(found, name)] == [*columns.values(rows, name)]


def test_some_columns_alone(table):
    found = columns.read(table, JpegHash, ["height", "sha256"])
    assert [*columns.values(found, "height")] == [row.height for row in ROWS]
    assert [*columns.values(found, "sha256")] == [row.sha256 for row in ROWS]
    with pytest.raises(KeyError):
        found.value(0, "path")


def test_a_table_without_rows(tmp_path):
    tables.write(tmp_path / "none.csv", JpegHash, [])
    found = columns.read(tmp_path / "none.csv", JpegHash)
    assert [*found] == []
    assert found.packed("phash").shape == (0, 128)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Particles", "Part,icles"),
        (ROWS[2].phash, "ab"),
        (ROWS[2].phash[:9], "X" * 9),
        (",7,", ",x,"),
        ('another"', "another"),
    ],
    ids=["a cell too many", "short hash", "no digit", "no number", "a quote that does not end"],
)
def test_what_is_no_such_table_is_refused_by_name(table, old, new):
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(TableError, match=r"hashes\.csv: not such a table .*again"):
        columns.read(table, JpegHash)


def test_another_table_is_refused(table, tmp_path):
    with pytest.raises(TableError, match="expected"):
        columns.read(table, TiffHash)
    (tmp_path / "empty").touch()
    with pytest.raises(TableError, match="empty: columns"):
        columns.read(tmp_path / "empty", TiffHash)
    with pytest.raises(TableError, match="absent: not found"):
        columns.read(tmp_path / "absent", TiffHash)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 100])
@pytest.mark.parametrize("highest", [3, 1000])  # so that many keys are equal, or few
def test_the_order_of_keys_is_that_of_a_stable_sort(monkeypatch, count, highest):
    monkeypatch.setattr(columns, "_SORTED", 7)
    numbers = np.random.default_rng(count).integers(highest, size=count).tolist()
    keys = [(f"{number}".encode(), number) for number in numbers]
    found = columns.in_order(lambda: iter(keys), count)
    assert [*found] == sorted(range(count), key=keys.__getitem__)
