"""Precision, recall and what is recommended, on made-up scores."""

from __future__ import annotations

import pytest

from backlabel.calibration.measure import (
    Share,
    accepted,
    by_kind,
    calibrate,
    pairs_to_prove,
    recommend,
    share,
    sweep,
)
from backlabel.calibration.trials import Trial
from backlabel.matching.decide import Limits, Rule
from candidates import candidate

LIMITS = Limits(150, 150, 0.7, min_explained=0.5, min_spoke=0.0, min_margin=0.1)


def trial(explained: float, *, copy: bool, kind: str = "quality 90", bits: int = 20) -> Trial:
    found = candidate(0, bits, ssim=0.8, explained=explained, spoke=0.9)
    return Trial("one.tif", kind, None if copy else 1.0, found)


TRIALS = [trial(0.705 + n / 100, copy=True) for n in range(20)] + [
    trial(n / 100, copy=False) for n in range(31)
]


def test_share_is_clopper_pearson() -> None:
    # Beta quantiles for 9 of 10 at 95 %, as in Newcombe 1998 and R's binom.test(9, 10).
    found = share(9, 10)
    assert (found.hits, found.of, found.value) == (9, 10, 0.9)
    assert (found.low, found.high) == (pytest.approx(0.5549839), pytest.approx(0.9974714))


def test_nothing_accepted_is_precise_but_proves_nothing() -> None:
    assert share(0, 0) == Share(0, 0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize("wanted", [0.5, 0.9, 0.99, 0.999])
def test_fewest_pairs_that_prove_a_precision(wanted: float) -> None:
    fewest = pairs_to_prove(wanted)
    assert share(fewest, fewest).low >= wanted > share(fewest - 1, fewest - 1).low


def test_sweep_counts_both_sides() -> None:
    points = {point.value: point for point in sweep(TRIALS, LIMITS, "min_explained")}
    assert (points[0.0].precision.hits, points[0.0].precision.of) == (20, 51)
    assert (points[0.3].precision.of, points[0.3].recall.value) == (21, 1.0)
    assert (points[0.8].precision.value, points[0.8].recall.value) == (1.0, 0.5)


def test_the_middle_of_the_best_plateau_is_recommended() -> None:
    found = recommend(sweep(TRIALS, LIMITS, "min_explained"), 0.999)
    assert found.point.value == pytest.approx(0.5, abs=0.021)  # between 0.30 and 0.70
    assert (found.reached, found.proven) == (True, False)  # 20 pairs prove no 99.9 %


def test_a_precision_out_of_reach_is_said_to_be() -> None:
    mixed = [trial(0.9, copy=True), trial(1.0, copy=False)]
    found = recommend(sweep(mixed, LIMITS, "min_explained")[:-1], 0.999)
    assert (found.reached, found.point.precision.value) == (False, 0.5)


def test_no_points_are_refused() -> None:
    with pytest.raises(ValueError, match="no points"):
        recommend([], 0.999)


def test_calibrate_recommends_limits_that_separate() -> None:
    limits, choices, _ = calibrate(TRIALS, LIMITS, 0.999)
    assert [one.threshold for one in choices] == [
        "min_explained",
        "min_spoke",
        "hamming_threshold",
        "min_ssim",
    ]
    assert [accepted(one, limits, Rule.COMBINED) for one in TRIALS] == [
        one.is_copy for one in TRIALS
    ]


def test_by_kind_tells_missed_from_wrong() -> None:
    found = by_kind(
        [
            trial(0.9, copy=True, kind="a"),
            trial(0.1, copy=True, kind="a"),
            trial(0.9, copy=False, kind="b"),
        ],
        LIMITS,
        Rule.COMBINED,
    )
    assert (found["a"][0].value, found["a"][1]) == (0.5, 0)
    assert found["b"][1] == 1
