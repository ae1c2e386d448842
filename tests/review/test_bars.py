"""Scores against limits, and how near a verdict was."""

from __future__ import annotations

import pytest

import workspace
from backlabel import config
from backlabel.review import bars
from backlabel.storage.rows import Match, Verdict

PART = {"JPEG_box": "0 0 9 9", "TIFF_box": "0 0 9 9", "TIFF_covered": 0.9, "JPEG_covered": 0.9}
LIMITS = {"hamming_threshold": 100, "min_explained": 0.4, "min_spoke": 0.3, "min_part_share": 0.25}


def compare(**others):
    known = config.load(workspace.ROOT / "params.yaml").compare
    return known.model_copy(update={"rule": "combined", "min_ssim": 0.6, **LIMITS, **others})


def row(**others):
    return Match("a.tif", "a.tif", **others)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"hamming_distance": 150}, -0.5),
        ({"hamming_distance": 0, "explained": 0.5, "spoke": 0.9}, 0.1),
        ({"hamming_distance": 0, "explained": 0.9, "spoke": 0.25}, -0.05),
        ({"hamming_distance": 0, "ssim_value": 0.1}, 1.0),
        ({}, None),
        ({"hamming_distance": 234, "explained": 0.5, "spoke": 0.9, **PART}, 0.1),
        ({"explained": 0.9, "spoke": 0.9, **PART, "TIFF_covered": 0.2}, -0.05),
    ],
    ids=[
        "too far",
        "just",
        "just not",
        "a score that the rule does not ask for",
        "nothing",
        "a part has no distance to speak of",
        "a small part",
    ],
)
def test_slack_is_the_least_lead_over_a_limit(scores, expected):
    found = bars.slack(row(**scores), compare())
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_bar_has_the_limit_that_the_rule_asks_for():
    scored = row(hamming_distance=99, explained=0.39, ssim_value=0.7)
    by_rule = {
        rule: {bar.name: bar.passes for bar in bars.bars(scored, compare(rule=rule))}
        for rule in ("combined", "ssim")
    }
    distance, explained, ssim = by_rule["combined"]
    assert by_rule == {
        "combined": {distance: True, explained: False, ssim: None},
        "ssim": {distance: True, explained: None, ssim: True},
    }


@pytest.mark.parametrize(
    ("others", "passes"),
    [
        ({"runner_up_explained": 0.45}, False),
        ({"runner_up_explained": 0.39}, None),
        ({"runner_up_explained": 0.45, **PART}, None),
    ],
    ids=["a rival", "a runner-up that fails", "parts"],
)
def test_a_lead_is_asked_for_over_a_rival(others, passes):
    *_, lead = bars.bars(row(explained=0.5, margin=0.05, **others), compare(min_margin=0.1))
    assert (lead.name, lead.passes) == ("lead over the runner-up", passes)


def test_a_limit_lies_on_the_bar():
    bar, *_ = bars.bars(row(hamming_distance=150), compare())
    assert (bar.share, bar.limit, bar.limit_share) == (1.0, 100, pytest.approx(2 / 3))


def test_what_was_shown_is_told_in_one_line():
    scored = row(hamming_distance=9, explained=0.1234567, verdict=Verdict.AMBIGUOUS)
    assert bars.shown(scored) == "ambiguous; hamming_distance 9; explained 0.123"
