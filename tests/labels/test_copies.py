"""Names of labelled files, and copies that lose nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backlabel.errors import DataError, OutputError
from backlabel.labels import copies


def test_seed_format():
    assert copies.target_names([("data/tiff/x/sample_123.tif", "Particles", "L5")]) == [
        Path("Particles/L5_sample_123.tif")
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/001.tif", "b/001.tif"),
        ("a/A.TIF", "a/A.tif"),
        ("a/pair.tif", "a/pair.tiff"),
        ("a/Mu\u0308ller.tif", "a/M\u00fcller.tif"),
        ("a/x:y.tif", "a/x?y.tif"),
        ("a/" + "L" * 251 + ".tif", "b/" + "L" * 251 + ".tif"),
    ],
    ids=["folders", "case", "suffix", "unicode form", "odd characters", "long"],
)
def test_equal_names_both_survive(one, other):
    targets = copies.target_names([(one, "Tips", "L9"), (other, "Tips", "L9")])
    assert len({str(target).casefold() for target in targets}) == 2
    assert all(len(target.name.encode()) <= 255 for target in targets)
    assert all(target.name.startswith("L9_") and target.suffix == ".tif" for target in targets)


def test_names_do_not_depend_on_the_order_of_rows():
    sources = [("b/1.tif", "Tips", "L9"), ("a/1.tif", "Tips", "L9"), ("a/2.tif", "Tips", "L9")]
    assert copies.target_names(sources[::-1]) == copies.target_names(sources)[::-1]


@pytest.mark.parametrize(
    "name", [os.fsdecode(b"\xe9.tif"), "a\nb.tif", "..\\..\\evil.tif", "\u202ex.tif"]
)
def test_odd_names_become_safe(name):
    (target,) = copies.target_names([(f"d/{name}", "Tips", "L9")])
    assert target.parts[0] == "Tips"
    assert len(target.parts) == 2
    assert target.name.encode("utf-8").decode().isprintable()
    assert "\\" not in target.name


def test_copy_is_the_same_bytes(tmp_path):
    source = tmp_path / "a.tif"
    source.write_bytes(b"II*\0" + bytes(range(256)) * 9000)
    digest = copies.copy(source, tmp_path / "new" / "b.tif")
    assert (tmp_path / "new" / "b.tif").read_bytes() == source.read_bytes()
    assert len(digest) == 64


def test_copy_overwrites_nothing(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"new")
    (tmp_path / "b.tif").write_bytes(b"old")
    with pytest.raises(OutputError, match=r"b\.tif"):
        copies.copy(tmp_path / "a.tif", tmp_path / "b.tif")
    assert (tmp_path / "b.tif").read_bytes() == b"old"


def test_vanished_source_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.tif: cannot be read any more"):
        copies.copy(tmp_path / "gone.tif", tmp_path / "b.tif")


def test_foreign_file_is_not_removed(tmp_path):
    for name in ("old/own.tif", "old/foreign.txt", "new/own.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with pytest.raises(OutputError, match=r"foreign\.txt"):
        copies.replace_folder(tmp_path / "new", tmp_path / "old", ["own.tif"])
    assert (tmp_path / "old/foreign.txt").read_text() == "old/foreign.txt"
    assert (tmp_path / "old/own.tif").read_text() == "old/own.tif"


def test_own_folder_is_replaced(tmp_path):
    for name in ("old/own.tif", "new/own.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    copies.replace_folder(tmp_path / "new", tmp_path / "old", ["own.tif"])
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old/own.tif").read_text() == "new/own.tif"
