"""The sweep of one threshold after the other, against deciding at every point anew."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.matching.decide import Limits, Rule, decide
from backlabel.reporting.sweep import _values, known_up_to, sweep
from backlabel.storage.rows import Verdict
from candidates import candidate

LIMITS = Limits(
    hamming_threshold=150,
    ssim_hamming_threshold=120,
    min_ssim=0.7,
    min_explained=0.44,
    min_spoke=0.3,
    min_margin=0.1,
)


def some_candidate(row, random):
    ssim, explained, spoke = np.round(random.random(3), 2)  # on the steps of the sweep, too
    distance = int(random.integers(0, 31)) * 5
    if distance >= LIMITS.ssim_hamming_threshold or random.random() < 0.1:
        return candidate(row, distance)
    return candidate(row, distance, ssim=ssim, explained=explained, spoke=spoke)


@pytest.mark.parametrize("rule", Rule)
def test_every_point_is_what_deciding_there_gives(rule):
    random = np.random.default_rng(0)
    evidence = [
        [some_candidate(row, random) for row in range(random.integers(0, 5))] for _ in range(60)
    ]
    keys = [(str(tiff), 1) for tiff in range(60)]
    jpegs = [str(row) for row in range(5)]
    points = sweep(evidence, keys, path_of=jpegs.__getitem__, limits=LIMITS, rule=rule, truth=None)
    wanted = [
        (
            name,
            value,
            sum(decide(known, limits, rule).verdict is Verdict.MATCHED for known in evidence),
        )
        for name, value, limits in _values(LIMITS, rule, known_up_to(evidence, LIMITS))
    ]
    found = [(one.threshold, one.value, round(one.match_rate * len(keys))) for one in points]
    assert found == wanted
    assert len({count for _, _, count in found}) > 3


def swept(evidence):
    points = sweep(
        [evidence],
        [("x", 1)],
        path_of=(["y"] * 3).__getitem__,
        limits=LIMITS,
        rule=Rule.SSIM,
        truth=None,
    )
    return {
        name: {point.value: point.match_rate for point in points if point.threshold == name}
        for name in ("hamming_threshold", "ssim_hamming_threshold")
    }


def test_higher_threshold_is_swept_up_to_the_nearest_candidate_without_scores():
    scored = candidate(0, 20, ssim=0.9)
    found = swept([scored, candidate(1, 137), candidate(2, 340)])
    assert max(found["ssim_hamming_threshold"]) == 137  # which is exclusive: 137 lies not below
    assert max(found["hamming_threshold"]) == 300
    assert found["ssim_hamming_threshold"][137] == found["hamming_threshold"][300] == 1.0


def test_sweep_ends_with_the_bits_there_are():
    limits = LIMITS.__class__(**{**vars(LIMITS), "hamming_threshold": 900})
    assert known_up_to([], limits) == 1024
