"""A stage ends with lines for people that leave no file out."""

from __future__ import annotations

import json

import pytest

from backlabel.reporting import closing

HASH = {
    "jpegs": 39,
    "tiffs": 47,
    "skipped": 2,
    "unreadable": 4,
    "unreadable_by_reason": {"empty": 1, "truncated": 3},
    "without_information": 1,
}
COMPARE = {
    "tiffs": 48,
    "matched": 36,
    "verdicts": {"matched": 36, "no_candidate": 10, "unreadable": 2, "ambiguous": 0},
    "truth": {"right_pairs": 35, "true_pairs": 36, "wrong_pairs": 1, "wrong_labels": 0},
}
LABEL = {
    "labelled": 36,
    "duplicates": 2,
    "not_labelled": 10,
    "by_category": {"Films": 30, "Tips": 6},
    "decisions": {"accepted": 1, "rejected": 0},
}


def lines(tmp_path, stage, metrics, n_tiff=None):
    (tmp_path / f"{stage}.json").write_text(json.dumps(metrics))
    return closing.lines(stage, n_tiff, tmp_path)


def test_hash_says_what_became_of_every_file(tmp_path):
    text = "\n".join(lines(tmp_path, "hash", HASH))
    assert text.startswith("hash: 47 originals and 39 copies hashed\n")
    assert "4 unreadable (3 truncated, 1 empty), see csv/unreadable.csv" in text
    assert "2 other files skipped, see csv/skipped.csv" in text
    assert "1 too flat" in text


def test_hash_is_short_where_all_went_well(tmp_path):
    none = {"skipped": 0, "unreadable": 0, "unreadable_by_reason": {}, "without_information": 0}
    text = "\n".join(lines(tmp_path, "hash", HASH | none))
    assert "unreadable" not in text
    assert "skipped" not in text


def test_compare_says_why_the_others_are_refused(tmp_path):
    text = "\n".join(lines(tmp_path, "compare", COMPARE, n_tiff=48))
    assert "36 of 48 originals matched (75%)" in text
    assert "the others: 10 no candidate, 2 unreadable\n" in text
    assert "35 of 36 found, 1 wrong pairs" in text
    assert "csv/n_tiff_to_all_jpeg_mapping/48_tiff.csv" in text
    assert "`backlabel review` shows the others" in text


def test_compare_without_known_pairs_claims_nothing_about_them(tmp_path):
    metrics = {name: value for name, value in COMPARE.items() if name != "truth"}
    assert "known pairs" not in "\n".join(lines(tmp_path, "compare", metrics))


def test_label_says_what_is_in_the_set_and_what_is_next(tmp_path):
    text = "\n".join(lines(tmp_path, "label", LABEL))
    assert "36 of 48 originals labelled" in text
    assert "30 Films, 6 Tips" in text
    assert "2 duplicates left out, see csv/duplicates.csv" in text
    assert "people accepted 1 and rejected 0" in text
    assert "`backlabel verify labeled`" in text


def test_nothing_at_all_is_no_division_by_zero(tmp_path):
    empty = {"tiffs": 0, "matched": 0, "verdicts": {"matched": 0}}
    assert lines(tmp_path, "compare", empty)[0] == "compare: 0 of 0 originals matched"


@pytest.mark.parametrize("stage", ["hash", "track"])
def test_stage_without_metrics_has_no_lines(tmp_path, stage):
    assert closing.lines(stage, None, tmp_path) == []
