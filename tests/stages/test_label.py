"""The label stage: nothing lost, everything told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

import backlabel
import workspace
from backlabel import config
from backlabel.errors import DataError, OutputError
from backlabel.hashing.contents import Contents
from backlabel.labels import card, copies, manifest, verify
from backlabel.stages import label
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision, Labelled, Match, Verdict

pytestmark = pytest.mark.slow

PAIRS = [("x/m 1.tif", "L9", 1), ("y/m 1.tif", "L9", 2), ("z/\u00e4.TIF", "L1", 3)]
OUTPUTS = ("labeled", "metrics", "reviews")


@pytest.fixture
def root(tmp_path, monkeypatch):
    workspace.make(tmp_path, PAIRS)
    workspace.write_tables(tmp_path, PAIRS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(**overrides):
    params = config.load()
    if overrides:
        changed = config.Label(**(params.label.model_dump() | overrides))
        params = params.model_copy(update={"label": changed})
    label.main(params)
    return tables.read(paths.MANIFEST, Labelled)


def left_behind(root):
    return [path.name for path in root.iterdir() if path.name.startswith(".labeled")]


def test_each_original_is_there_byte_for_byte(root):
    rows = run()
    assert len(rows) == 3
    for row in rows:
        original = (root / row.TIFF_path).read_bytes()
        assert (root / "labeled" / row.file).read_bytes() == original
        assert row.sha256 == hashlib.sha256(original).hexdigest()
        jpeg = (root / row.JPEG_path).read_bytes()
        assert row.JPEG_sha256 == hashlib.sha256(jpeg).hexdigest()
    assert rows[0].file == "Fibres/L1_\u00e4.tif"
    assert {row.decided_by for row in rows} == {"rule"}
    assert verify.verify(root / "labeled").findings == []
    assert left_behind(root) == []


def test_sources_are_left_alone(root):
    before = workspace.listing(root, "data"), workspace.times(root, "data")
    for link in ("auto", "copy", "hardlink"):
        run(link=link)
    assert (workspace.listing(root, "data"), workspace.times(root, "data")) == before


def test_all_ways_of_linking_give_the_same_set(root):
    found = []
    for link in ("auto", "copy", "hardlink"):
        run(link=link)
        found.append(workspace.listing(root, *OUTPUTS))
    assert found[0] == found[1] == found[2]


def test_a_set_that_is_its_manifest_alone(root):
    files = run()
    rows = run(store="manifest")
    assert [replace(row, stored=True, config_digest="", run_key="") for row in rows] == [
        replace(row, config_digest="", run_key="") for row in files
    ]
    assert not any(row.stored for row in rows)
    there = {path.name for path in (root / "labeled").rglob("*")}
    assert there == {"manifest.csv", "manifest.parquet", "SHA256SUMS", "README.md"}
    assert verify.verify(root / "labeled").findings == []
    loaded = backlabel.load("labeled", originals=".", checksum=True)
    assert [loaded[i][0].shape for i in range(3)] == [(1, 96, 128)] * 3
    with pytest.raises(DataError, match="the set holds no files"):
        backlabel.load("labeled")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda path: path.write_bytes(b"other"), "has other bytes than it was labelled with"),
        (lambda path: path.unlink(), "cannot be read as a file"),
    ],
    ids=["changed", "gone"],
)
def test_an_original_that_the_set_names_is_verified(root, change, problem):
    path = run(store="manifest")[0].TIFF_path
    change(root / path)
    assert verify.verify(Path("labeled")).findings == [verify.Finding(path, problem)]


def test_from_a_manifest_back_to_files(root):
    before = run(), workspace.listing(root, *OUTPUTS)
    run(store="manifest")
    assert (run(), workspace.listing(root, *OUTPUTS)) == before


def test_a_new_original_renames_no_other(root):
    before = {row.TIFF_path: row.file for row in run()}
    pairs = [("a/m 1.tif", "L9", 4), *PAIRS]
    new = {path: (root / path).read_bytes() for path in ("reviews/names.csv",)}
    workspace.make(root, pairs)
    (root / "reviews/names.csv").write_bytes(new["reviews/names.csv"])
    workspace.write_tables(root, pairs)
    after = {row.TIFF_path: row.file for row in run()}
    assert {path: after[path] for path in before} == before
    assert after["data/tiff/a/m 1.tif"].startswith("Tips/L9_m 1~")


def test_every_score_of_the_mapping_is_in_the_manifest():
    columns = {field.name for field in dataclasses.fields(Match)}
    told_otherwise = {"TIFF_file", "JPEG_file", "used_ssim", "TIFF_sha256"}
    assert columns - told_otherwise <= {field.name for field in dataclasses.fields(Labelled)}


@pytest.mark.parametrize("kind", ["tiff", "jpeg"])
def test_source_that_changed_is_named_and_nothing_is_left(root, kind):
    first = workspace.listing(root, "labeled") if run() else {}
    victim = root / ("data/tiff/y/m 1.tif" if kind == "tiff" else workspace.jpeg_path("L9", 2))
    good = victim.read_bytes()
    victim.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(DataError, match=f"{victim.name}: changed since it was hashed"):
        run()
    victim.unlink()
    with pytest.raises(DataError, match=f"{victim.name}: cannot be read any more"):
        run()
    assert left_behind(root) == []
    assert workspace.listing(root, "labeled") == first
    victim.write_bytes(good)
    run()
    assert workspace.listing(root, "labeled") == first


@pytest.mark.parametrize("place", ["notes.txt", "Tips/L9_m 1.tif", "Tips/mine/a.tif"])
def test_foreign_file_at_the_target_survives(root, place):
    foreign = root / "labeled" / place
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    with pytest.raises(OutputError, match=f"{foreign.name}: was not written by backlabel"):
        run()
    assert foreign.read_text() == "mine"
    assert left_behind(root) == []


def test_labelled_file_that_was_edited_survives(root):
    run()
    edited = root / "labeled/Tips/L9_m 1.tif"
    edited.write_text("edited")
    with pytest.raises(OutputError, match=r"L9_m 1\.tif: was changed by others"):
        run()
    assert edited.read_text() == "edited"
    edited.unlink()
    run()
    assert verify.verify(root / "labeled").findings == []


def test_what_a_killed_run_left_is_taken_over(root):
    run()
    want = workspace.listing(root, *OUTPUTS)
    (root / "labeled").rename(root / ".labeled-partial-old")
    (root / ".labeled-partial/Tips").mkdir(parents=True)
    (root / ".labeled-partial/Tips/half.tif").write_text("")
    (root / "metrics/.partial-label.json").write_text("{")
    run()
    assert workspace.listing(root, *OUTPUTS) == want
    assert left_behind(root) == []


def test_file_in_the_place_of_the_folder(root):
    (root / "labeled").write_text("mine")
    with pytest.raises(OutputError, match="labeled: is no folder"):
        run()
    assert (root / "labeled").read_text() == "mine"


def test_people_decide(root):
    tiffs, jpegs, _ = workspace.write_tables(root, PAIRS)
    accept = Decision(
        *(tiffs[0].path, tiffs[0].sha256, Choice.ACCEPT),
        *(jpegs[1].path, jpegs[1].sha256, "L9", "=Ada", "Same crack."),
    )
    reject = Decision(
        *(tiffs[2].path, tiffs[2].sha256, Choice.REJECT),
        *(None, None, None, "Bo", "Another sample."),
    )
    keys = {row.run_key for row in run()}
    tables.write(paths.DECISIONS, Decision, [accept, reject])
    rows = run()
    assert [row.decided_by for row in rows] == ["person", "rule"]
    assert rows[0].JPEG_path == jpegs[1].path
    assert rows[0].reviewer == "=Ada"
    assert ",=" not in paths.MANIFEST.read_text()
    assert rows[0].reason.startswith("Accepted by a person: Same crack.")
    assert {row.run_key for row in rows}.isdisjoint(keys)
    found = json.loads((paths.METRICS / "label.json").read_text())["decisions"]
    assert found == {
        "accepted": 1,
        "relabelled": 0,
        "rejected": 1,
        "outside_this_run": 0,
        "people": 2,
    }


def test_a_person_relabels_and_the_public_set_keeps_no_sentence_of_theirs(root):
    tiffs, jpegs, _ = workspace.write_tables(root, PAIRS)
    relabel = Decision(
        *(tiffs[0].path, tiffs[0].sha256, Choice.RELABEL),
        *(jpegs[0].path, jpegs[0].sha256, "L1", "Ada", "Ada Example saw fibres."),
    )
    tables.write(paths.DECISIONS, Decision, [relabel])
    (row,) = [row for row in run() if row.TIFF_path == tiffs[0].path]
    assert row.file.startswith("Fibres/L1_")
    (row,) = [row for row in run(public=True) if row.decided_by == "person"]
    assert row.reason == "Relabelled from L9 to L1 by a person."


def test_decision_that_fits_no_more_stops_the_stage(root):
    (tiff, *_), _, _ = workspace.write_tables(root, PAIRS)
    old = Decision(tiff.path, "0" * 64, Choice.REJECT, None, None, None, "Bo", "")
    tables.write(paths.DECISIONS, Decision, [old])
    with pytest.raises(DataError, match=r"m 1\.tif: the TIFF has changed"):
        run()
    assert not paths.LABELED.exists()


def test_pair_without_ssim_is_no_match(root):
    _, _, rows = workspace.write_tables(root, PAIRS)
    unsure = [
        replace(rows[0], used_ssim=False, ssim_value=None),
        replace(rows[1], verdict=Verdict.TOO_DIFFERENT, label=None, category=None),
        rows[2],
    ]
    tables.write(paths.mapping_path(None), Match, unsure)
    assert [row.TIFF_path for row in run()] == ["data/tiff/z/\u00e4.TIF"]


def test_nothing_matched(root):
    tables.write(paths.mapping_path(None), Match, [])
    assert run() == []
    assert {path.name for path in (root / "labeled").iterdir()} == {
        *(manifest.CSV, manifest.PARQUET, manifest.SUMS),
        *(card.METADATA, card.README),
    }


SAMPLES_WORDS = (b"backlabel-sample", b"CC0", b"MIT,", b"public repositories")


def test_other_data_do_not_get_the_samples_words(root, capfd):
    """The parameters are those of a fresh clone: `label.about` speaks of the sample."""
    run()
    written = [path for path in (root / "labeled").rglob("*") if path.is_file()]
    for path in written:
        assert [word for word in SAMPLES_WORDS if word in path.read_bytes()] == []
    assert (root / "labeled" / card.CROISSANT) not in written
    assert "label.about ('backlabel-sample') speaks of other data" in capfd.readouterr().err


def test_words_of_ones_own_are_written(root, capfd):
    own = config.load().label.about.model_dump() | {"only_for": None, "name": "wafers"}
    run(about=own, splits={"train": 1.0, "val": 0.0, "test": 0.0})
    assert "# wafers 0.1.0" in (root / "labeled" / card.README).read_text()
    assert json.loads((root / "labeled" / card.CROISSANT).read_text())["name"] == "wafers"
    assert capfd.readouterr().err == ""


def test_splits_that_stay_empty_are_said_to_be(root, capfd):
    """Three files of one group go to one split together."""
    table = root / "data/specimens.csv"
    table.write_text("\n".join(["TIFF_path,wafer", *(f"data/tiff/{path},A" for path, *_ in PAIRS)]))
    run(group_by="column:wafer", group_table="data/specimens.csv")
    missed = "Split test has 0 of 3 files (0%), not its share of 15%."
    assert missed in capfd.readouterr().err
    assert missed in (root / "labeled" / card.README).read_text()
    found = json.loads((paths.METRICS / "label.json").read_text())["splits"]
    assert found["train"] == {"files": 3, "share": 1.0, "wanted": 0.7}
    assert found["test"] == {"files": 0, "share": 0.0, "wanted": 0.15}


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [("near_duplicates", 3), ("column:wafer", 2), ("column:operator", 1)],
)
def test_a_group_is_what_the_parameter_says(root, group_by, groups):
    (root / "data/specimens.csv").write_text(
        "TIFF_path,wafer,operator\n"
        "data/tiff/x/m 1.tif,A,Ada\ndata/tiff/y/m 1.tif,B,Ada\ndata/tiff/z/\u00e4.TIF,A,Ada\n"
    )
    table = "data/specimens.csv" if group_by.startswith("column") else None
    assert len({row.group for row in run(group_by=group_by, group_table=table)}) == groups


def test_the_table_of_groups_is_part_of_the_runs_key(root):
    table = root / "data/specimens.csv"
    lines = [f"data/tiff/{path},A" for path, _, _ in PAIRS]
    table.write_text("\n".join(["TIFF_path,wafer", *lines]))
    first = run(group_by="column:wafer", group_table="data/specimens.csv")[0].run_key
    table.write_text("\n".join(["TIFF_path,wafer", *lines, "data/tiff/more.tif,B"]))
    assert run(group_by="column:wafer", group_table="data/specimens.csv")[0].run_key != first


def test_digest_of_the_configuration():
    params = config.load(workspace.ROOT / "params.yaml")
    changed = params.model_dump(mode="json")
    changed["compare"]["min_ssim"] += 0.01
    assert config.digest(config.check(changed, "")) != config.digest(params)
    changed = params.model_dump(mode="json")
    changed["hash"]["workers"] += 1
    changed["label"]["link"] = "hardlink"
    changed["track"]["experiment"] = "other"
    assert config.digest(config.check(changed, "")) == config.digest(params)


def inodes(root):
    return {
        path.relative_to(root).as_posix(): (path.lstat().st_ino, path.lstat().st_mtime_ns)
        for path in (root / "labeled").rglob("*.tif")
    }


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink"])
def test_what_stays_is_neither_copied_nor_read(root, monkeypatch, link):
    """Another parameter is another manifest; one original is rejected, and the others stay."""
    run(link=link)
    time.sleep(2.1)  # until then a file counts as one that may still change
    run(link=link)
    before = inodes(root)
    sha256 = hashlib.sha256((root / "data/tiff/x/m 1.tif").read_bytes()).hexdigest()
    reject = Decision("data/tiff/x/m 1.tif", sha256, Choice.REJECT, None, None, None, "Ada", "")
    tables.write(paths.DECISIONS, Decision, [reject])
    monkeypatch.setattr(copies, "make", lambda *_, **__: pytest.fail("made again"))
    if link != "hardlink":  # a further name for an original changes it, as far as anyone can tell
        monkeypatch.setattr(Contents, "read", lambda *_, **__: pytest.fail("read again"))
    assert len(run(link=link, split_seed=7)) == 2
    after = inodes(root)
    assert len(after) == 2
    assert after.items() <= before.items()
    assert verify.verify(root / "labeled").findings == []


def test_a_file_under_another_label_is_made_anew(root):
    run()
    before = inodes(root)
    rows = tables.read(paths.mapping_path(None), Match)
    changed = [replace(row, label="L1", category="Fibres") for row in rows]
    tables.write(paths.mapping_path(None), Match, changed)
    files = {row.file for row in run()}
    assert all(file.startswith("Fibres/L1_") for file in files)
    assert len(inodes(root)) == len(before) == 3
    assert verify.verify(root / "labeled").findings == []


@pytest.mark.parametrize("kind", ["tiff", "jpeg"])
def test_an_original_that_changed_under_its_old_time_is_refused(root, kind):
    """What is known of a file rests on more than its size and its time."""
    run()
    time.sleep(2.1)
    run()
    path = root / {"tiff": "data/tiff/x/m 1.tif", "jpeg": workspace.jpeg_path("L9", 1)}[kind]
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DataError, match="changed since it was hashed"):
        run()


def test_a_labelled_file_that_was_changed_by_others_is_refused(root):
    run()
    time.sleep(2.1)
    run()
    path = next((root / "labeled").rglob("*.tif"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(OutputError, match="was changed by others"):
        run()


def linked_by_dvc(root, kind):
    """Leave data as DVC does by `cache.type`."""
    (root / ".dvc").mkdir()
    for number, path in enumerate(sorted((root / "data/tiff").rglob("*.*"))):
        cached = root / f".dvc/cache/files/md5/{number:02x}/{number:030x}"
        cached.parent.mkdir(parents=True)
        path.rename(cached)
        cached.chmod(0o444)
        path.hardlink_to(cached) if kind == "hardlink" else path.symlink_to(cached)


def unprotected(root):
    for path in (root / "labeled").rglob("*.tif"):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)


def test_hard_links_of_dvc_come_back_in_the_place_of_its_copies(root):
    linked_by_dvc(root, "hardlink")
    rows = run()
    before = inodes(root)
    for row in rows:
        assert (root / "labeled" / row.file).samefile(root / row.TIFF_path)
    unprotected(root)
    run()
    assert inodes(root) == before


def test_beside_symbolic_links_of_dvc_its_copies_stay(root):
    linked_by_dvc(root, "symlink")
    run()
    unprotected(root)
    before = inodes(root)
    run()
    assert inodes(root) == before
    assert not any(path.is_symlink() for path in (root / "labeled").rglob("*"))
