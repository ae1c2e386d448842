"""The evidence of many TIFFs, packed."""

from __future__ import annotations

import math

import pytest

from backlabel.errors import UnreadableImageError
from backlabel.matching.collected import Collected
from backlabel.matching.evidence import Candidate, NearPair, Placement, Scores

PLACE = Placement((1, 2, 30, 40), (5, 6, 70, 80), 0.5, -3.25, True, 0.75, 1.0)
EVERY = [
    [],
    [Candidate(NearPair(2**40, 12, None), None, "Tips")],
    UnreadableImageError("damaged", "it ends too early"),
    [
        Candidate(NearPair(3, 0, 1024, "body 0.9"), Scores(None), "Ärger, \n"),
        Candidate(NearPair(4, 5, 6, "part", PLACE), Scores(-1.0, 0.0, 0.5, "blur 1.25"), ""),
    ],
]


def test_what_was_put_comes_out() -> None:
    found = Collected(EVERY)
    assert [*found] == EVERY
    assert found[1:3] == EVERY[1:3]
    with pytest.raises(IndexError):
        found[len(EVERY)]


def test_a_score_that_is_no_number_stays_one() -> None:
    ((one,),) = Collected([[Candidate(NearPair(0, 1), Scores(math.nan, math.nan), "")]])
    assert one.ssim is not None
    assert math.isnan(one.ssim)


def test_others_take_the_place_of_what_is_there() -> None:
    before = Collected(EVERY)
    after = Collected(before)
    after.put(0, EVERY[3])
    after.put(2, EVERY[1])
    assert [*after] == [EVERY[3], EVERY[1], EVERY[1], EVERY[3]]
    after.put(1, EVERY[2])
    assert after[1] is EVERY[2]
    assert [*before] == EVERY


def test_what_is_taken_out_is_a_copy() -> None:
    found = Collected([[Candidate(NearPair(0, 1), None, "")]])
    found[0].clear()
    assert len(found[0]) == 1
