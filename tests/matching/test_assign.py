"""One JPEG to at most one TIFF."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from backlabel.matching.assign import Edge, assign, duplicates, one_label, one_to_one
from backlabel.matching.decide import Decision, Limits, Rule, decide
from backlabel.matching.evidence import Candidate, Placement
from backlabel.storage.rows import Verdict
from candidates import candidate

LIMITS = Limits(150, 150, 0.7, min_explained=0.4, min_spoke=0.1, min_margin=0.1)


def test_the_sum_counts_not_the_single_best() -> None:
    edges = [Edge(0, 0, 0.9), Edge(0, 1, 0.8), Edge(1, 0, 0.8), Edge(1, 1, 0.1)]
    assert assign(edges) == {0: 1, 1: 0}  # 1.6 against 1.0


def test_a_tiff_without_a_free_jpeg_gets_none() -> None:
    assert assign([Edge(7, 3, 0.9), Edge(8, 3, 0.8)]) == {7: 3}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=16, max_size=16))
def test_no_assignment_has_a_larger_sum(values: list[int]) -> None:
    table = np.array(values, float).reshape(4, 4)
    edges = [Edge(i, j, table[i, j]) for i, j in itertools.product(range(4), range(4))]
    best = max(sum(table[range(4), list(p)]) for p in itertools.permutations(range(4)))
    assert sum(table[i, j] for i, j in assign(edges).items()) == best


def test_order_of_edges_does_not_matter() -> None:
    edges = [Edge(i, j, 0.5) for i, j in itertools.product(range(3), range(3))]
    assert assign(edges) == assign(reversed(edges))


@pytest.mark.parametrize("count", [0, 5, 20, 40, 80, 200])
@pytest.mark.parametrize("seed", range(5))
def test_groups_that_hang_together_are_assigned_as_the_whole(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.zeros((30, 40))
    cells = random.choice(scores.size, count, replace=False)
    scores.flat[cells] = random.uniform(0.1, 1, count)
    edges = [Edge(int(i), int(j), scores[i, j]) for i, j in zip(*np.nonzero(scores), strict=True)]
    whole = zip(*linear_sum_assignment(scores, maximize=True), strict=True)
    assert assign(edges) == {i: j for i, j in whole if scores[i, j] > 0}


def decided(*explained: float) -> Decision:
    found = [
        candidate(row, 5, label="L0", explained=one, spoke=0.9) for row, one in enumerate(explained)
    ]
    return decide(found, LIMITS, Rule.COMBINED)


@pytest.mark.parametrize(
    ("first", "second", "verdicts"),
    [
        (0.9, 0.7, (Verdict.MATCHED, Verdict.AMBIGUOUS)),
        (0.9, 0.85, (Verdict.AMBIGUOUS, Verdict.AMBIGUOUS)),
        (0.9, 0.3, (Verdict.MATCHED, Verdict.TOO_DIFFERENT)),
    ],
    ids=["clearly better", "too near to tell", "one does not pass"],
)
def test_two_tiffs_for_one_jpeg(
    first: float, second: float, verdicts: tuple[Verdict, Verdict]
) -> None:
    both = one_to_one([decided(first), decided(second)], ["a", "b"], LIMITS, Rule.COMBINED)
    assert tuple(one.verdict for one in both) == verdicts


def test_identical_tiffs_share_a_jpeg() -> None:
    both = one_to_one([decided(0.9), decided(0.9)], ["same", "same"], LIMITS, Rule.COMBINED)
    assert [one.verdict for one in both] == [Verdict.MATCHED, Verdict.MATCHED]


def test_pages_of_one_tiff_are_no_rivals() -> None:
    both = one_to_one(
        [decided(0.9), decided(0.85)], [("a", 1), ("a", 2)], LIMITS, Rule.COMBINED, ["a", "a"]
    )
    assert [one.verdict for one in both] == [Verdict.MATCHED, Verdict.AMBIGUOUS]


def test_a_file_has_one_label() -> None:
    def named(label: str) -> Decision:
        found = candidate(0, 5, label=label, explained=0.9, spoke=0.9)
        return decide([found], LIMITS, Rule.COMBINED)

    keys = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    found = one_label([named("L0"), named("L1"), named("L0"), named("L0")], keys)
    assert [one.verdict for one in found] == [Verdict.AMBIGUOUS] * 2 + [Verdict.MATCHED] * 2


def test_label_stays_certain_where_the_pair_is_not() -> None:
    both = one_to_one([decided(0.9), decided(0.85)], [0, 1], LIMITS, Rule.COMBINED)
    assert [one.label_certain for one in both] == [True, True]


def test_duplicates_are_named() -> None:
    assert duplicates(["a", "b", "a", "a"]) == {0: [2, 3], 2: [0, 3], 3: [0, 2]}


def panel(row: int, left: int, *, score: float = 0.9, label: str = "L0") -> Candidate:
    """A JPEG's panel of 100 pixels a side, that shows all of a TIFF."""
    where = Placement((left, 0, 100, 100), (0, 0, 200, 200), 0.5, 0, False, 0.4, 1)
    found = candidate(row, 500, label=label, explained=score, spoke=0.5)
    return dataclasses.replace(found, pair=dataclasses.replace(found.pair, part=where))


@pytest.mark.parametrize(
    ("left", "verdicts"),
    [
        (120, (Verdict.MATCHED, Verdict.MATCHED)),
        (100, (Verdict.MATCHED, Verdict.MATCHED)),
        (50, (Verdict.MATCHED, Verdict.AMBIGUOUS)),
    ],
    ids=["apart", "side by side", "over each other"],
)
def test_panels_of_one_jpeg_have_a_tiff_each(left: int, verdicts: tuple[Verdict, Verdict]) -> None:
    decisions = [
        decide([one], LIMITS, Rule.COMBINED) for one in (panel(3, 0), panel(3, left, score=0.6))
    ]
    found = one_to_one(decisions, ["a", "b"], LIMITS, Rule.COMBINED)
    assert tuple(one.verdict for one in found) == verdicts


def test_a_whole_copy_claims_every_panel() -> None:
    whole = candidate(3, 5, label="L0", explained=0.95, spoke=0.5)
    decisions = [decide([one], LIMITS, Rule.COMBINED) for one in (whole, panel(3, 0, score=0.7))]
    found = one_to_one(decisions, ["a", "b"], LIMITS, Rule.COMBINED)
    assert [one.verdict for one in found] == [Verdict.MATCHED, Verdict.AMBIGUOUS]
