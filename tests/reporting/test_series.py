"""The tables that plots are made of."""

from __future__ import annotations

import csv

import pytest

from backlabel.errors import OutputError
from backlabel.reporting import series
from backlabel.storage.rows import Match, SweepPoint, Verdict

ROWS = [
    Match("a.tif", "a.tif", hamming_distance=6, ssim_value=0.9, verdict=Verdict.MATCHED),
    Match("b.tif", "b.tif", hamming_distance=9, verdict=Verdict.NOT_VERIFIED),
    Match("c.tif", "c.tif", hamming_distance=130),
    Match("d.tif", "d.tif", verdict=Verdict.UNREADABLE),
]
POINTS = [
    SweepPoint("hamming_threshold", 5, 0.25, 1.0, 0.5),
    SweepPoint("min_ssim", 0.5, 0.5, None, None),
    SweepPoint("hamming_threshold", 10, 0.5, 1.0, 1.0),
]


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    series.write_all(ROWS, POINTS, tmp_path / "plots")
    return tmp_path / "plots"


def test_histogram_counts_by_verdict(folder):
    found = {row["hamming_distance"]: row for row in read(folder / "hamming_histogram.csv")}
    first = found["0"]
    assert (first["tiffs"], first["matched"], first["not_verified"]) == ("2", "1", "1")
    assert found["130"]["no_candidate"] == "1"
    assert sum(int(row["tiffs"]) for row in found.values()) == 3


def test_verdicts_are_counted_those_that_did_not_come_up_too(folder):
    found = {row["verdict"]: int(row["tiffs"]) for row in read(folder / "verdicts.csv")}
    assert found == {
        "matched": 1,
        "ambiguous": 0,
        "too different": 0,
        "not verified": 1,
        "no candidate": 1,
        "unreadable": 1,
    }


def test_scores_of_all_tiffs_side_by_side(folder):
    found = read(folder / "scores.csv")
    assert [row["verdict"] for row in found] == [row.verdict.value for row in ROWS]
    assert [row["ssim_value"] for row in found] == ["0.9", "", "", ""]


def test_a_curve_for_each_threshold(folder):
    found = read(folder / "sweep_hamming_threshold.csv")
    assert [row["hamming_threshold"] for row in found] == ["5", "10"]
    assert [row["recall"] for row in found] == ["0.5", "1.0"]
    assert [row["recall"] for row in read(folder / "sweep_min_ssim.csv")] == [""]


def test_nothing_compared_has_its_tables_too(tmp_path):
    series.write_all([], [], tmp_path)
    assert {row["tiffs"] for row in read(tmp_path / "hamming_histogram.csv")} == {"0"}


def test_what_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "plots").write_text("a file stands where the folder would go")
    with pytest.raises(OutputError, match="plots"):
        series.write_all(ROWS, POINTS, tmp_path / "plots")
