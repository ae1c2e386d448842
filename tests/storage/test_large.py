"""A large table is Parquet, and reads like the CSV that it is beside."""

from __future__ import annotations

import dataclasses

import pytest

import workspace
from backlabel import config
from backlabel.errors import TableError
from backlabel.storage import columns, large, paths, tables
from backlabel.storage.keyed import Keyed
from backlabel.storage.large import Form
from backlabel.storage.rows import JpegHash, Match, TiffHash, Verdict

NAMES = ["a.tif", "=1+1.tif", "back\\slash.tif", "two\nlines.tif", "\udcff.tif", 'µ,"é.tif']
HASHES = [
    TiffHash(name, f"x/{name}", f"{i:x}" * 256, "0f" * 128, "", "", 7, i, f"{i:x}" * 64, 1 + i)
    for i, name in enumerate(NAMES)
]
MATCHES = [
    Match("a.tif", "x/a.tif"),
    Match(
        "nan.tif",
        "NA",
        JPEG_path="null",
        hamming_distance=0,
        ssim_value=0.1 + 0.2,
        used_ssim=True,
        verdict=Verdict.MATCHED,
        reason='"so", and\nso',
        label="L1",
        mirrored=False,
        angle=-1e-300,
    ),
]
TABLES = {
    "hashes": (paths.TIFF_HASHES, TiffHash, HASHES),
    "mapping": (paths.mapping_path(None), Match, MATCHES),
}


@pytest.fixture(params=TABLES, autouse=True)
def table(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return TABLES[request.param]


def write(table, **form):
    path, record, rows = table
    settings = Form(**{"parquet_above": 1, "large_csv": True} | form)
    large.write(path, record, iter(rows), count=len(rows), form=settings)
    return large.read(path, record)


@pytest.mark.parametrize("together", [1, 4, 10_000])
def test_parquet_has_the_rows_of_the_csv(table, monkeypatch, together):
    monkeypatch.setattr(large, "_TOGETHER", together)
    path, record, rows = table
    found = write(table)
    assert isinstance(found, columns.Columns)
    assert [*found] == tables.read(path, record) == rows
    assert [*found[1:]] == rows[1:]
    small = path.with_name("small.csv")
    tables.write(small, record, rows)
    assert path.read_bytes() == small.read_bytes()
    assert [*columns.read(small, record)] == rows


def test_csv_can_be_left_out_and_is_no_table_then(table):
    path, record, rows = table
    assert [*write(table, large_csv=False)] == rows
    assert paths.rows_path(path) == paths.parquet_path(path)
    with pytest.raises(TableError, match="expected"):
        tables.read(path, record)


def test_a_table_that_became_small_has_no_parquet(table):
    path, _, rows = table
    write(table)
    assert write(table, parquet_above=len(rows), large_csv=False) == rows
    assert not paths.parquet_path(path).exists()
    assert paths.rows_path(path) == path


def test_a_damaged_file_is_refused_by_name(table):
    path, record, _ = table
    write(table)
    file = paths.parquet_path(path)
    whole = file.read_bytes()
    for bytes_left in (
        b"",
        whole[: len(whole) // 2],
        bytes([*whole[:40], whole[40] ^ 1, *whole[41:]]),
    ):
        file.write_bytes(bytes_left)
        with pytest.raises(TableError, match=rf"{file.name}: .*again"):
            large.read(path, record)


def test_another_table_is_refused(table):
    path, _, _ = table
    write(table)
    with pytest.raises(TableError, match="expected"):
        large.read(path, JpegHash)


@pytest.mark.parametrize("parquet_above", [0, 100], ids=["large", "small"])
def test_rows_are_found_by_what_each_has_for_itself(parquet_above):
    found = write(TABLES["hashes"], parquet_above=parquet_above)
    by_page = large.keyed(found, "path", "page")
    assert dict(by_page) == {row.key: row for row in HASHES}
    by_path = large.keyed(found, "path")
    assert [*by_path] == [row.path for row in HASHES]
    assert by_path.get("x/none.tif") is None
    assert len(by_path) == len(HASHES)


def test_rows_whose_keys_hash_alike_are_told_apart():
    pages = (-2, -1, 5)
    assert hash(-1) == hash(-2)
    rows = [dataclasses.replace(HASHES[0], page=page) for page in pages]
    assert dict(Keyed(rows, ["page"])) == dict(zip(pages, rows, strict=True))


def test_parameters_are_the_form():
    form = Form(**config.load(workspace.ROOT / "params.yaml").tables.model_dump())
    assert form.has_csv(10**9)
    assert not dataclasses.replace(form, large_csv=False).has_csv(100_001)
