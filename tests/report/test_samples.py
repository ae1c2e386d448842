"""Which pairs a report shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backlabel.report import samples
from backlabel.review.desk import Pair
from backlabel.storage.rows import Match, Verdict


def pairs(verdict, slacks):
    return [
        Pair(
            f"{verdict} {slack}", Match(f"{slack}.tif", f"{slack}.tif", verdict=verdict), slack, ""
        )
        for slack in slacks
    ]


def shown(group):
    return [pair.slack for pair in group.pairs]


def test_every_ambiguous_pair_is_shown_and_the_lowest_of_the_matched():
    many = [place / 100 for place in range(100)]
    groups = {
        group.name: group
        for group in samples.groups(
            [*pairs(Verdict.MATCHED, many), *pairs(Verdict.AMBIGUOUS, many[:30])]
        )
    }
    assert shown(groups["Ambiguous"]) == many[:30]
    assert shown(groups["Matched most narrowly"]) == many[:8]
    spread = shown(groups["Matched, from narrow to sure"])
    assert len(spread) == 12
    assert spread == sorted(spread)
    assert not {*spread} & {*many[:8]}


def test_the_sample_of_the_others_is_the_same_at_other_thresholds():
    def others(slacks):
        matched = [replace(pair, slack=slack) for pair, slack in zip(known, slacks, strict=True)]
        *_, group = samples.groups(matched)
        return {pair.id for pair in group.pairs}

    known = pairs(Verdict.MATCHED, range(100))
    lowest = range(8)
    assert others([*lowest, *range(10, 102)]) == others([*lowest, *range(102, 10, -1)])


def test_ambiguous_pairs_beyond_those_with_pictures_are_lines():
    many = pairs(Verdict.AMBIGUOUS, range(samples.MOST_PICTURES + 3))
    (group,) = samples.groups(many)
    assert len(group.pairs) == samples.MOST_PICTURES
    assert [pair.slack for pair in group.lines] == [200, 201, 202]


def test_what_failed_most_narrowly():
    failed = [*pairs(Verdict.NO_CANDIDATE, [-0.9, -0.1]), *pairs(Verdict.TOO_DIFFERENT, [-0.05])]
    unmeasured = pairs(Verdict.NOT_VERIFIED, [None])
    (group,) = samples.groups([*failed, *unmeasured])
    assert (group.name, shown(group)) == ("Failed most narrowly", [-0.05, -0.1, -0.9])


@pytest.mark.parametrize("count", [1, 2, 9, 19, 21])
def test_few_matched_pairs_are_shown_once(count):
    matched = pairs(Verdict.MATCHED, range(count))
    found = [slack for group in samples.groups(matched) for slack in shown(group)]
    assert len(found) == len(set(found))
    assert found[:8] == list(range(count))[:8]
