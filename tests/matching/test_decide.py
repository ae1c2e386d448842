"""Verdicts at the edges of every limit."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest

from backlabel.matching.decide import Decision, Limits, Rule, decide
from backlabel.matching.evidence import Candidate, Placement
from backlabel.storage.rows import Verdict
from candidates import candidate

LIMITS = Limits(
    hamming_threshold=150,
    ssim_hamming_threshold=120,
    min_ssim=0.70,
    min_explained=0.40,
    min_spoke=0.25,
    min_margin=0.10,
)


@pytest.mark.parametrize(
    ("hamming", "ssim", "simple", "seed"),
    [
        (119, 0.70, Verdict.MATCHED, Verdict.MATCHED),
        (0, 0.6999, Verdict.TOO_DIFFERENT, Verdict.MATCHED),
        (120, 0.99, Verdict.NOT_VERIFIED, Verdict.NOT_VERIFIED),
        (10, None, Verdict.NOT_VERIFIED, Verdict.NOT_VERIFIED),
        (150, 0.99, Verdict.NO_CANDIDATE, Verdict.NO_CANDIDATE),
    ],
    ids=["on both limits", "too low", "scores do not count", "not scored", "too far"],
)
def test_ssim_and_seed_rules(
    hamming: int, ssim: float | None, simple: Verdict, seed: Verdict
) -> None:
    one = [candidate(3, hamming, ssim=ssim)]
    assert decide(one, LIMITS, Rule.SSIM).verdict is simple
    assert decide(one, LIMITS, Rule.SEED).verdict is seed


def test_no_candidates_at_all() -> None:
    assert decide([], LIMITS, Rule.SSIM) == Decision(
        Verdict.NO_CANDIDATE, "No JPEG lies below 150 differing bits."
    )


def test_best_is_chosen_by_ssim_not_by_distance() -> None:
    near, like = candidate(1, 2, ssim=0.75), candidate(2, 9, ssim=0.80)
    assert decide([near, like], LIMITS, Rule.SSIM) == Decision(
        Verdict.MATCHED,
        "SSIM 0.800 at 9 bits.",
        like,
        (near,),
        pytest.approx(0.05),
        True,
        (like, near),
    )


def test_without_any_ssim_the_nearest_is_chosen() -> None:
    far, near = candidate(1, 140), candidate(2, 130)
    decision = decide([far, near], LIMITS, Rule.SSIM)
    assert (decision.chosen, decision.margin) == (near, None)


def test_smaller_of_both_distances_counts() -> None:
    assert decide([candidate(0, 400, 7, ssim=0.9)], LIMITS, Rule.SSIM).verdict is Verdict.MATCHED


def test_ties_do_not_depend_on_order() -> None:
    tied = [candidate(5, 4, ssim=0.9), candidate(1, 4, ssim=0.9), candidate(0, 6, ssim=0.9)]
    chosen = {decide(order, LIMITS, Rule.SSIM).chosen for order in itertools.permutations(tied)}
    assert chosen == {tied[1]}


def test_runner_up_is_another_jpeg() -> None:
    twice = [candidate(1, 3, ssim=0.9), candidate(1, 3, variant="flip_h", ssim=0.8)]
    assert decide(twice, LIMITS, Rule.SSIM).runner_up is None


def scored(
    row: int, explained: float | None, spoke: float | None = 0.9, label: str = "L0"
) -> Candidate:
    return candidate(row, 20, label=label, ssim=0.1, explained=explained, spoke=spoke)


@pytest.mark.parametrize(
    ("explained", "spoke", "verdict"),
    [
        (0.40, 0.25, Verdict.MATCHED),
        (0.399, 0.9, Verdict.TOO_DIFFERENT),
        (0.9, 0.249, Verdict.NOT_VERIFIED),
        (math.nan, 0.9, Verdict.TOO_DIFFERENT),
        (0.9, None, Verdict.NOT_VERIFIED),
        (None, 0.9, Verdict.NOT_VERIFIED),
    ],
)
def test_combined_rule(explained: float | None, spoke: float | None, verdict: Verdict) -> None:
    assert decide([scored(0, explained, spoke)], LIMITS, Rule.COMBINED).verdict is verdict


def test_a_picture_that_says_too_little_is_said_to() -> None:
    assert decide([scored(0, 0.9, 0.09)], LIMITS, Rule.COMBINED).reason == (
        "20 bits differ; only 9% of the picture says anything by which to tell a copy from another "
        "frame; 25% are needed."
    )


def test_a_jpeg_that_states_too_little_is_said_to() -> None:
    decision = decide([scored(0, None, 0.9)], LIMITS, Rule.COMBINED)
    assert decision.verdict is Verdict.NOT_VERIFIED
    assert "the JPEG states too little" in decision.reason


@pytest.mark.parametrize(
    ("second", "label", "verdict", "certain"),
    [
        (0.81, "L0", Verdict.AMBIGUOUS, True),
        (0.79, "L0", Verdict.MATCHED, True),
        (0.81, "L1", Verdict.AMBIGUOUS, False),
        (0.41, "L1", Verdict.AMBIGUOUS, False),
        (0.39, "L1", Verdict.MATCHED, True),
    ],
    ids=["twin", "far enough behind", "twin, other label", "other label", "would not pass"],
)
def test_rivals(second: float, label: str, verdict: Verdict, certain: bool) -> None:
    decision = decide([scored(0, 0.9), scored(1, second, label=label)], LIMITS, Rule.COMBINED)
    assert (decision.verdict, decision.label_certain) == (verdict, certain)


def test_a_candidate_that_fails_one_limit_does_not_hide_one_that_passes_all() -> None:
    mute, true = scored(0, 0.99, spoke=0.1), scored(1, 0.8)
    decision = decide([mute, true], LIMITS, Rule.COMBINED)
    assert (decision.verdict, decision.chosen, decision.runner_up) == (Verdict.MATCHED, true, mute)


def test_quality_75_passes_and_a_wrong_frame_of_higher_ssim_does_not() -> None:
    copy = candidate(0, 24, ssim=0.60, explained=0.99, spoke=0.8)
    frame = candidate(0, 24, ssim=0.75, explained=0.25, spoke=0.8)
    verdicts = [decide([one], LIMITS, Rule.COMBINED).verdict for one in (copy, frame)]
    assert verdicts == [Verdict.MATCHED, Verdict.TOO_DIFFERENT]


def test_margin_limit_changes_a_verdict() -> None:
    twins = [scored(0, 0.9), scored(1, 0.85)]
    small = dataclasses.replace(LIMITS, min_margin=0.01)
    verdicts = [decide(twins, limits, Rule.COMBINED).verdict for limits in (LIMITS, small)]
    assert verdicts == [Verdict.AMBIGUOUS, Verdict.MATCHED]


@pytest.mark.parametrize(
    ("change", "rule", "verdict"),
    [
        ({"hamming_threshold": 20}, Rule.COMBINED, Verdict.NO_CANDIDATE),
        ({"ssim_hamming_threshold": 20}, Rule.COMBINED, Verdict.NOT_VERIFIED),
        ({"min_explained": 0.91}, Rule.COMBINED, Verdict.TOO_DIFFERENT),
        ({"min_spoke": 0.91}, Rule.COMBINED, Verdict.NOT_VERIFIED),
        ({"min_ssim": 0.1}, Rule.SSIM, Verdict.MATCHED),
    ],
)
def test_every_limit_changes_a_verdict(
    change: dict[str, float], rule: Rule, verdict: Verdict
) -> None:
    one = [scored(0, 0.9)]
    assert decide(one, LIMITS, rule).verdict is not verdict
    assert decide(one, dataclasses.replace(LIMITS, **change), rule).verdict is verdict


def part(
    row: int = 0,
    *,
    hamming: int = 500,
    covered: float = 0.5,
    angle: float = 0.0,
    label: str = "L0",
    score: float = 0.9,
) -> Candidate:
    """A JPEG that shows a share of a TIFF."""
    box = (0, 0, 100, 100)
    where = Placement(box, box, 1, angle, False, 1.0, covered)
    found = candidate(row, hamming, label=label, explained=score, spoke=0.5)
    return dataclasses.replace(found, pair=dataclasses.replace(found.pair, part=where))


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (part(), Verdict.MATCHED),
        (part(angle=3, covered=1.0), Verdict.MATCHED),
        (part(covered=1.0), Verdict.MATCHED),
        (part(covered=1.0, hamming=100), Verdict.MATCHED),
        (part(score=0.1), Verdict.TOO_DIFFERENT),
        (part(covered=0.2), Verdict.MATCHED),
        (part(covered=0.19), Verdict.AMBIGUOUS),
        (part(covered=0.19, score=0.1), Verdict.TOO_DIFFERENT),
    ],
    ids=[
        *(
            "a part has no distance",
            "nor has what is turned",
            "nor has a whole copy that features found",
            "near",
        ),
        *("not a copy", "share at its limit", "too small a share", "small and not a copy"),
    ],
)
def test_parts(one: Candidate, verdict: Verdict) -> None:
    limits = dataclasses.replace(LIMITS, min_part_share=0.2)
    assert decide([one], limits, Rule.COMBINED).verdict is verdict


def test_several_parts_of_one_label_need_no_lead() -> None:
    assert decide([part(0), part(1)], LIMITS, Rule.COMBINED).verdict is Verdict.MATCHED


def test_parts_with_different_labels_are_ambiguous() -> None:
    found = decide([part(0), part(1, label="L1")], LIMITS, Rule.COMBINED)
    assert found.verdict is Verdict.AMBIGUOUS
    assert not found.label_certain
