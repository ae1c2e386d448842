"""Planes of two thresholds, against deciding at every point anew."""

from __future__ import annotations

import dataclasses
import random

import pytest

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Limits, Rule, decide
from backlabel.reporting.plane import Axis, axes, plane
from backlabel.reporting.sweep import Counted, Counts
from backlabel.storage.rows import TruePair, Verdict
from candidates import candidate

LIMITS = Limits(
    hamming_threshold=150,
    ssim_hamming_threshold=120,
    min_ssim=0.7,
    min_explained=0.4,
    min_spoke=0.3,
    min_margin=0.1,
)
JPEGS = [f"{row}.jpg" for row in range(6)]
NAMES = ("hamming_threshold", "ssim_hamming_threshold")
HAMMING = [Axis(name, range(0, 210, 10)) for name in NAMES]


@pytest.fixture(scope="module")
def evidence():
    """Some TIFFs with none to three candidates, with and without scores, and an unreadable one."""
    draw = random.Random(4)
    found = {
        (f"{i}.tif", 1): [
            candidate(
                draw.randrange(6),
                draw.randrange(0, 200, 5),
                ssim=draw.choice([None, draw.random(), draw.random()]),
            )
            for _ in range(i % 4)
        ]
        for i in range(40)
    }
    return found | {("bad.tif", 1): UnreadableImageError("truncated", "")}


def slowly(evidence, limits, rule):
    return {
        (path, JPEGS[decision.chosen.row])
        for (path, _), known in evidence.items()
        if not isinstance(known, UnreadableImageError)
        if (decision := decide(known, limits, rule)).verdict is Verdict.MATCHED
    }


@pytest.mark.parametrize("rule", [Rule.SEED, Rule.SSIM])
def test_every_point_is_what_deciding_there_gives(evidence, rule):
    truth = [TruePair(f"{i}.tif", "1.jpg", "Tips", "") for i in range(12)]
    true = {(pair.TIFF_path, pair.JPEG_path) for pair in truth}
    counts = Counts([*evidence.values()], evidence, JPEGS.__getitem__, rule, truth)
    found = plane(HAMMING, counts, LIMITS)
    assert len(found) == 21 * 21
    for point in found:
        limits = dataclasses.replace(LIMITS, **dict(zip(NAMES, point.values, strict=True)))
        pairs = slowly(evidence, limits, rule)
        assert point.found == Counted(
            matched=len(pairs),
            match_rate=len(pairs) / 41,
            wrong=len(pairs - true),
            precision=len(pairs & true) / len(pairs) if pairs else 1.0,
            recall=len(pairs & true) / 12,
        )


def test_a_single_threshold_is_a_line(evidence):
    axis = Axis("min_ssim", [i / 50 for i in range(51)])
    counts = Counts([*evidence.values()], evidence, JPEGS.__getitem__, Rule.SSIM, truth=None)
    found = plane([axis], counts, LIMITS)
    assert [point.found.matched for point in found] == [
        len(slowly(evidence, dataclasses.replace(LIMITS, min_ssim=value), Rule.SSIM))
        for value in axis.values
    ]
    assert {point.found.precision for point in found} == {None}


def test_the_plane_of_bits_reaches_as_far_as_scores_are_known():
    one, other = axes([[candidate(0, 10, ssim=0.9)]], LIMITS, Rule.SEED)[0]
    assert one.values == other.values
    assert max(one.values) == 300
    assert {150, 120} <= {*one.values}
    near = axes([[candidate(0, 130)]], LIMITS, Rule.SEED)[0][0]
    assert max(near.values) == 130
    kept = axes([[candidate(0, 130, ssim=0.9)]], LIMITS, Rule.SEED)[0][0]
    assert max(kept.values) == 300  # the thresholds in force do not count, the scores do
