"""Metrics of a mapping, on mappings small enough to count by hand."""

from __future__ import annotations

import os

import pytest

from backlabel.errors import TableError
from backlabel.matching.decide import Limits, Rule
from backlabel.reporting import summary
from backlabel.reporting.sweep import sweep
from backlabel.storage import tables
from backlabel.storage.rows import Match, SweepPoint, TruePair, Verdict
from candidates import candidate


def match(tiff, jpeg, verdict=Verdict.MATCHED, category="Tips", hamming=4, ssim=0.9):
    return Match(
        TIFF_file=tiff,
        TIFF_path=tiff,
        JPEG_path=jpeg,
        hamming_distance=hamming,
        ssim_value=ssim,
        used_ssim=ssim is not None,
        verdict=verdict,
        category=category if verdict is Verdict.MATCHED else None,
    )


ROWS = [
    match("a", "A", hamming=2, ssim=0.99),
    match("b", "B", hamming=6, ssim=0.80),
    match("c", "X", category="Films"),
    match("d", "D", verdict=Verdict.TOO_DIFFERENT, ssim=0.2),
    match("e", None, verdict=Verdict.NO_CANDIDATE, hamming=300, ssim=None),
]
TRUTH = [
    TruePair("a", "A", "Tips", ""),
    TruePair("b", "B", "Tips", ""),
    TruePair("c", "C", "Films", ""),
    TruePair("d", "D", "Tips", ""),
    TruePair("not compared", "F", "Tips", ""),
]


def test_counts():
    found = summary.summarise(ROWS, None)
    assert found["tiffs"] == 5
    assert found["matched"] == 3
    assert found["match_rate"] == 0.6
    assert found["labels"] == {"Films": 1, "Tips": 2}
    assert found["ssim_computed"] == 4
    assert found["verdicts"]["too_different"] == 1
    assert "truth" not in found


def test_distribution_of_matched_pairs_only():
    found = summary.summarise(ROWS, None)["matched_hamming"]
    assert found["mean"] == 4
    assert (found["min"], found["median"], found["max"]) == (2, 4, 6)


def test_accuracy():
    # c has the right label by the wrong pair; d is missed; one true pair was not compared.
    assert summary.accuracy(ROWS, TRUTH) == {
        "true_pairs": 4,
        "right_pairs": 2,
        "wrong_pairs": 1,
        "wrong_labels": 0,
        "precision": pytest.approx(2 / 3),
        "recall": 0.5,
        "label_precision": 1.0,
        "label_recall": 0.75,
    }


def test_truth_outside_of_what_was_looked_at_does_not_count(tmp_path):
    """A run over one category finds none of the others' pairs: they are not missed."""
    path = tmp_path / "truth.csv"
    tables.write(path, TruePair, TRUTH)
    assert summary.known_pairs(path, {"A", "B", "X"}) == TRUTH[:2]
    found = summary.accuracy(ROWS[:2], summary.known_pairs(path, {"A", "B"}))
    assert (found["true_pairs"], found["recall"], found["label_recall"]) == (2, 1.0, 1.0)


def test_no_list_of_true_pairs(tmp_path):
    assert summary.known_pairs(tmp_path / "truth.csv", {"A"}) is None


def test_list_of_true_pairs_is_mended_by_hand(tmp_path):
    (tmp_path / "truth.csv").write_text("TIFF_path;JPEG_path\n")
    with pytest.raises(TableError, match="by hand"):
        summary.known_pairs(tmp_path / "truth.csv", {"A"})


def test_names_that_are_no_unicode():
    """Names of files may be any bytes."""
    odd = os.fsdecode(b"\xff.tif")
    assert summary.accuracy([match(odd, "A")], [TruePair(odd, "A", "Tips", "")])["recall"] == 1


def test_bounds_of_ssim_classes():
    values = [1.0, 0.95, 0.85, 0.849, 0.70, 0.699, -0.1, None]
    assert summary.ssim_classes(values) == {
        "above_0.95": 1,
        "0.85_to_0.95": 2,
        "0.70_to_0.85": 2,
        "below_0.70": 2,
    }


def test_no_row_at_all():
    found = summary.summarise([], [])
    assert found["match_rate"] == 0
    assert found["matched_ssim"] == {}
    assert found["truth"]["precision"] == 1


LIMITS = Limits(
    hamming_threshold=150,
    ssim_hamming_threshold=120,
    min_ssim=0.7,
    min_explained=0,
    min_spoke=0,
    min_margin=0,
)
EVIDENCE = [
    [candidate(0, 10, ssim=0.95)],
    [candidate(1, 100, ssim=0.75)],
    [candidate(0, 130)],
]


@pytest.fixture(scope="module")
def points():
    return sweep(
        EVIDENCE,
        [(name, 1) for name in "abc"],
        path_of=["A", "B"].__getitem__,
        limits=LIMITS,
        rule=Rule.SSIM,
        truth=[TruePair("a", "A", "Tips", ""), TruePair("b", "A", "Tips", "")],
    )


@pytest.mark.parametrize(
    ("threshold", "value", "rate", "precision", "recall"),
    [
        ("hamming_threshold", 10, 0, 1, 0),
        ("hamming_threshold", 15, 1 / 3, 1, 1 / 2),
        ("hamming_threshold", 150, 2 / 3, 1 / 2, 1 / 2),
        ("ssim_hamming_threshold", 100, 1 / 3, 1, 1 / 2),
        ("min_ssim", 0.76, 1 / 3, 1, 1 / 2),
        ("min_ssim", 0.96, 0, 1, 0),
    ],
)
def test_sweep(points, threshold, value, rate, precision, recall):
    assert SweepPoint(threshold, value, pytest.approx(rate), precision, recall) in points


def test_sweep_goes_beyond_the_thresholds_in_force(points):
    """They are 150 and 120; the nearest candidate without scores lies at 130."""
    ends = {point.threshold: point.value for point in points}
    assert ends == {"hamming_threshold": 300, "ssim_hamming_threshold": 130, "min_ssim": 1.0}
