"""The label stage: nothing lost, everything told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import replace

import pytest

import workspace
from backlabel import config
from backlabel.errors import DataError, OutputError
from backlabel.labels import card, manifest, verify
from backlabel.stages import label
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision, Labelled, Match, Verdict

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
    told = json.loads((paths.METRICS / "label.json").read_text())["decisions"]
    assert told == {"accepted": 1, "rejected": 1, "outside_this_run": 0, "people": 2}


def test_decision_that_fits_no_more_stops_the_stage(root):
    (tiff, *_), _, _ = workspace.write_tables(root, PAIRS)
    old = Decision(tiff.path, "0" * 64, Choice.REJECT, None, None, None, "Bo", "")
    tables.write(paths.DECISIONS, Decision, [old])
    with pytest.raises(DataError, match=r"m 1\.tif: the TIFF has changed"):
        run()
    assert not paths.LABELED.exists()


def test_missing_decisions_are_no_decisions_lost_in_silence(root):
    paths.DECISIONS.unlink()
    with pytest.raises(DataError, match=r"decisions\.csv: not found"):
        run()


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
        *(card.METADATA, card.README, card.CROISSANT),
    }


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
