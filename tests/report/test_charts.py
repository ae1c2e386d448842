"""Charts hold what was counted, and ask no network."""

from __future__ import annotations

import json

import pytest

import workspace
from backlabel import config
from backlabel.report import charts
from backlabel.storage.rows import Match, SweepPoint, Verdict


def compare(**others):
    known = config.load(workspace.ROOT / "params.yaml").compare
    return known.model_copy(update=others)


def row(distance, verdict):
    return Match("a.tif", "a.tif", hamming_distance=distance, verdict=verdict)


ROWS = [row(0, Verdict.MATCHED), row(3, Verdict.MATCHED), row(400, Verdict.NO_CANDIDATE)]
SWEEP = [SweepPoint("min_ssim", 0.5, 0.7, None, 0.9), SweepPoint("min_ssim", 0.6, 0.6, None, 0.8)]


def drawn(**others):
    made = charts.all_charts(ROWS, SWEEP, {"Tips": 2}, {"Tips": 1}, compare(**others))
    return {chart.id: chart.spec for chart in made}


def test_a_histogram_counts_every_row():
    bars, limit = drawn(hamming_threshold=150)["hamming_distance"]["layer"]
    counts = [(one["verdict"], one["TIFFs"]) for one in bars["data"]["values"]]
    assert counts == [("matched", 2), ("no candidate", 1)]
    assert limit["data"]["values"] == [{"limit": 150}]


def test_a_limit_that_the_rule_does_not_ask_for_is_not_drawn():
    rows = [Match("a.tif", "a.tif", ssim_value=0.9, verdict=Verdict.MATCHED)]
    for rule, layers in (("ssim", 2), ("combined", 1)):
        (chart,) = charts.all_charts(rows, [], {}, {}, compare(rule=rule))
        assert (rule, len(chart.spec["layer"])) == (rule, layers)


def test_a_sweep_shows_what_is_known():
    lines, _ = drawn()["sweep-min_ssim"]["layer"]
    assert {one["of"] for one in lines["data"]["values"]} == {"match rate", "recall"}


def test_categories_stand_beside_the_published():
    values = drawn()["categories"]["data"]["values"]
    assert [(one["of"], one["files"]) for one in values] == [
        ("published JPEGs", 2),
        ("labelled TIFFs", 1),
    ]


@pytest.mark.parametrize("name", ["hamming_distance", "sweep-min_ssim", "categories"])
def test_data_stand_in_the_chart(name):
    assert '"url"' not in json.dumps(drawn()[name])
