"""Counting for all limits at once, against deciding on each TIFF anew."""

from __future__ import annotations

import math
import random

import pytest

from backlabel.matching.decide import Limits, Rule, decide
from backlabel.matching.evidence import Candidate, NearPair, Placement, Scores
from backlabel.reporting.tally import Tally
from backlabel.storage.rows import Verdict

HUNDREDTHS = [i / 100 for i in range(0, 101, 4)]  # few, so that scores are equal and at limits


def some_part(draw):
    covered = draw.choice(HUNDREDTHS)
    return Placement((0, 0, 9, 9), (0, 0, 9, 9), 1.0, 0.0, draw.random() < 0.5, 1.0, covered)


def some_scores(draw):
    ssim = draw.choice([*HUNDREDTHS, math.nan])
    explained = draw.choice([*HUNDREDTHS, None, math.nan])
    return Scores(ssim, explained, draw.choice([*HUNDREDTHS, None]))


def some_candidate(draw):
    """Of one of three JPEGs: one by itself, two with the same label."""
    row = draw.randrange(3)
    bits, variant = draw.randrange(0, 200, 5), draw.choice(["flip_h", "identity"])
    label = "Tips" if row else "Films"
    if draw.random() < 0.3:  # a part is scored wherever it is
        scores = Scores(draw.choice(HUNDREDTHS), draw.choice(HUNDREDTHS), draw.choice(HUNDREDTHS))
        return Candidate(NearPair(row, bits, None, "part", some_part(draw)), scores, label)
    scores = draw.choice([None, some_scores(draw), some_scores(draw)])
    return Candidate(NearPair(row, bits, bits + 5, variant), scores, label)


@pytest.fixture(scope="module")
def evidence():
    """Pages of TIFFs with none to five candidates, that claim the same three JPEGs."""
    draw = random.Random(5)
    return {
        (f"{i // 2}.tif", 1 + i % 2): [some_candidate(draw) for _ in range(i % 6)]
        for i in range(240)
    }


def some_limits(draw):
    return Limits(
        hamming_threshold=draw.randrange(0, 210),
        ssim_hamming_threshold=draw.randrange(0, 210),
        min_ssim=draw.choice(HUNDREDTHS),
        min_explained=draw.choice(HUNDREDTHS),
        min_spoke=draw.choice(HUNDREDTHS[:10]),
        min_margin=draw.choice(HUNDREDTHS[:4]),
        min_part_share=draw.choice(HUNDREDTHS),
    )


def is_right(picture, row):
    path, page = picture
    return page == 1 and row == 1 and path < "5"


@pytest.mark.parametrize("rule", Rule)
def test_counts_are_those_of_deciding_on_each(evidence, rule):
    draw = random.Random(6)
    keys = [*evidence]
    tally = Tally(evidence.values(), rule, lambda tiff, row: is_right(keys[tiff], row))
    verdicts = set()
    for limits in (some_limits(draw) for _ in range(200)):
        decided = {key: decide(known, limits, rule) for key, known in evidence.items()}
        verdicts |= {decision.verdict for decision in decided.values()}
        matched = [key for key, one in decided.items() if one.verdict is Verdict.MATCHED]
        right = [key for key in matched if is_right(key, decided[key].chosen.row)]
        assert tally.at(limits) == (len(matched), len(right)), limits
    assert Verdict.MATCHED in verdicts
    assert Verdict.AMBIGUOUS in verdicts


def test_of_no_candidates_none_is_matched():
    limits = some_limits(random.Random(7))
    assert Tally([[]], Rule.COMBINED, lambda *_: True).at(limits) == (0, 0)
    assert Tally([], Rule.SEED, lambda *_: True).at(limits) == (0, 0)
