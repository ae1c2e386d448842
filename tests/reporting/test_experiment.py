"""What MLflow is told of an experiment."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

import workspace
from backlabel import config
from backlabel.composing import Difference
from backlabel.labels import manifest
from backlabel.reporting import durations, experiment
from backlabel.stages import label
from backlabel.storage import paths, tables
from backlabel.storage.rows import Labelled, SweepPoint

PARAMS = config.load(workspace.ROOT / "params.yaml")
PAIRS = [("a/x.tif", "L1", 1), ("b/y.tif", "L9", 2)]
METRICS = {
    "hash": {"jpegs": 2, "unreadable": 0},
    "compare": {"tiffs": 2, "matched": 2, "match_rate": 1.0, "labels": {"Tips": 1}},
    "label": {"labelled": 2},
}


@pytest.fixture
def labelled(tmp_path, monkeypatch):
    """A folder in which hash, compare and label have run."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    workspace.make(tmp_path, PAIRS)
    workspace.write_tables(tmp_path, PAIRS)
    tables.write(paths.SWEEP, SweepPoint, [SweepPoint("hamming_threshold", 150, 0.5, 1.0, None)])
    label.main(PARAMS)
    return tmp_path


def difference(name, value):
    return Difference(name, None, value)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ([], ""),
        ([("compare.hamming_threshold", 140)], "hamming_threshold=140"),
        ([("compare.rule", "ssim"), ("compare.min_ssim", 0.8)], "rule=ssim, min_ssim=0.8"),
        ([("labels.categories", [["A"]]), ("labels.name", "nffa")], "labels=nffa"),
        ([("label.splits.train", 0.8)], "train=0.8"),
    ],
)
def test_name_says_what_was_changed(changed, name):
    assert experiment.name([difference(*one) for one in changed]) == name


def test_long_name_is_cut():
    name = experiment.name([difference("label.about.description", "a" * 200)])
    assert len(name) == 80
    assert name.endswith("…")


def test_headlines_come_first_and_the_others_in_a_group():
    named = experiment.named(METRICS)
    assert list(named)[:5] == ["tiffs", "matched", "match_rate", "labelled", "unreadable"]
    assert all(name.startswith("details/") for name in list(named)[5:])
    assert named["details/compare.labels.Tips"] == 1
    assert len(experiment.HEADLINES) == 10


def test_description_sums_up_the_result(labelled):
    report = experiment.report(PARAMS, METRICS, [Difference("compare.top_k", 10, 7)])
    assert "2 of 2 originals labelled" in report.description
    assert "compare.top_k: 10 in conf/, 7 in params.yaml" in report.description
    assert report.name == "top_k=7"


def test_curves_are_by_threshold(labelled):
    curves = experiment.report(PARAMS, METRICS, []).curves
    assert curves == {
        "sweep/hamming_threshold.match_rate": [(150, 0.5)],
        "sweep/hamming_threshold.precision": [(150, 1.0)],
    }


def test_data_set_is_its_files_alone(labelled):
    def digest():
        return experiment.report(PARAMS, METRICS, []).dataset.digest

    first = digest()
    rows = tables.read(paths.MANIFEST, Labelled)
    manifest.write(paths.LABELED, [replace(row, reason="Other words.") for row in rows])
    assert digest() == first
    other = "0" * 64
    manifest.write(paths.LABELED, [replace(rows[0], sha256=other), *rows[1:]])
    assert digest() != first


def test_key_depends_on_what_decides_and_on_nothing_else(labelled):
    def key(section, **changed):
        part = getattr(PARAMS, section).model_copy(update=changed)
        return experiment.report(PARAMS.model_copy(update={section: part}), METRICS, []).key

    assert key("compare", top_k=7) != key("compare")
    assert key("compare", device="cpu") == key("compare") == key("track", experiment="other")


def test_duration_is_that_of_the_stages_which_made_the_metrics(labelled):
    Path("metrics/hash.json").write_text(json.dumps(METRICS["hash"]))
    durations.keep("hash", 80.0)
    durations.keep("label", 10.0)
    assert experiment.report(PARAMS, {}, []).seconds == 90.0
    Path("metrics/hash.json").write_text("{}")  # as DVC restores it where it was made elsewhere
    assert experiment.report(PARAMS, {}, []).seconds == 10.0


def test_the_manifest_names_the_run(labelled):
    report = experiment.report(PARAMS, METRICS, [])
    (key,) = {row.run_key for row in tables.read(paths.MANIFEST, Labelled)}
    assert report.tags["backlabel.run_key"] == key
    assert "run_key" in {field.name for field in fields(Labelled)}
