"""Names of labelled files: readable, safe, never given twice, and kept."""

from __future__ import annotations

import os

import pytest

from backlabel.errors import SchemeError, TableError
from backlabel.labels import ledger
from backlabel.labels.ledger import Ledger, Source
from backlabel.storage import tables
from backlabel.storage.rows import Named


def assign(sources, known=()):
    """The file of each source, and the ledger."""
    ordered = sorted(sources, key=lambda source: os.fsencode(source.path))
    given, extended = ledger.assign(ordered, len(sources), Ledger(known))
    files = {row.TIFF_path: row.file for row in given}
    return [files[source.path] for source in sources], extended


def files(*paths, known=()):
    return assign([Source(path, "Tips", "L9") for path in paths], known)


@pytest.mark.parametrize(
    ("original", "file"),
    [("a/1.PNG", "Tips/L9_1.png"), ("a/1.bmp", "Tips/L9_1.bmp"), ("a/1.tiff", "Tips/L9_1.tif")],
)
def test_an_original_keeps_its_ending(original, file):
    (found,), _ = files(original)
    assert found == file


def test_documented_format():
    source = Source("data/tiff/x/sample_123.tif", "Particles", "L5")
    assert assign([source]) == (
        ["Particles/L5_sample_123.tif"],
        [Named("data/tiff/x/sample_123.tif", "Particles/L5_sample_123.tif")],
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/001.tif", "b/001.tif"),
        ("a/A.TIF", "a/A.tif"),
        ("a/pair.tif", "a/pair.tiff"),
        ("a/Mu\u0308ller.tif", "a/M\u00fcller.tif"),
        ("a/x:y.tif", "a/x?y.tif"),
        ("a/" + "L" * 251 + ".tif", "b/" + "L" * 251 + ".tif"),
        ("a/\u00e4" * 200 + ".tif", "b/\u00e4" * 200 + ".tif"),
    ],
    ids=["folders", "case", "suffix", "unicode form", "odd characters", "long", "long unicode"],
)
def test_equal_names_both_survive(one, other):
    targets, _ = files(one, other)
    names = [target.removeprefix("Tips/") for target in targets]
    assert len({name.casefold() for name in names}) == 2
    assert all(len(os.fsencode(name)) <= 255 for name in names)
    assert all(name.startswith("L9_") and name.endswith(".tif") for name in names)


def test_a_new_original_renames_no_other():
    before, known = files("m/001.tif")
    after, _ = files("a/001.tif", "m/001.tif", known=known)
    assert before == ["Tips/L9_001.tif"]
    assert after[1] == "Tips/L9_001.tif"
    assert after[0].startswith("Tips/L9_001~")


def test_a_name_waits_for_an_original_that_is_gone():
    _, known = files("m/001.tif")
    _, known = files("a/001.tif", known=known)
    back, _ = files("m/001.tif", known=known)
    assert back == ["Tips/L9_001.tif"]


def test_another_category_is_another_file():
    _, known = files("m/001.tif")
    moved, known = assign([Source("m/001.tif", "Fibres", "L1")], known)
    assert moved == ["Fibres/L1_001.tif"]
    assert [row.file for row in known] == ["Fibres/L1_001.tif", "Tips/L9_001.tif"]


def test_name_that_looks_like_a_distinct_one():
    (_, distinct), _ = files("a/001.tif", "b/001.tif")
    posing = f"a/{distinct.removeprefix('Tips/L9_')}"
    targets, _ = files("a/001.tif", posing, "b/001.tif")
    assert len(set(targets)) == 3


def test_names_do_not_depend_on_the_order_of_rows():
    paths = ["b/1.tif", "a/1.tif", "a/2.tif"]
    given, known = files(*paths)
    assert files(*paths[::-1]) == (given[::-1], known)


@pytest.mark.parametrize(
    "name", [os.fsdecode(b"\xe9.tif"), "a\nb.tif", "..\\..\\evil.tif", "\u202ex.tif", "..tif"]
)
def test_odd_names_become_safe(name):
    (target,), _ = files(f"d/{name}")
    category, stem = target.split("/")
    assert category == "Tips"
    assert stem.encode("utf-8").decode().isprintable()
    assert "\\" not in stem


@pytest.mark.parametrize("category", ["..", ".", ".git", "a/b", "tail "])
def test_category_that_is_no_folder_is_refused(category):
    with pytest.raises(SchemeError, match="cannot be the name of a folder"):
        assign([Source("a/1.tif", category, "L0")])


def test_ledger_survives_any_name(tmp_path):
    path = tmp_path / "names.csv"
    _, known = files(os.fsdecode(b"d/\xe9.tif"), "=cmd.tif")
    tables.write(path, Named, known)
    assert ledger.read(path) == known


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("b/1.tif,Tips/l9_1.TIF", "is the name of"),
        ("b/1.tif,Tips/../../x.tif", "is no <category>"),
        ("b/1.tif,../x.tif", "is no <category>"),
        ("b/1.tif,/etc/x.tif", "is no <category>"),
        ("b/1.tif,Tips/x.exe", "is no <category>"),
    ],
    ids=["twice", "up", "out", "absolute", "no TIFF"],
)
def test_edited_ledger_is_refused(tmp_path, line, complaint):
    path = tmp_path / "names.csv"
    path.write_text(f"TIFF_path,file\na/1.tif,Tips/L9_1.tif\n{line}\n")
    with pytest.raises(TableError, match=complaint):
        ledger.read(path)


def test_no_ledger_yet(tmp_path):
    assert ledger.read(tmp_path / "names.csv") == []
