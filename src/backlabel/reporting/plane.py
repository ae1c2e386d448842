"""What would be matched over a plane of two thresholds, from evidence at hand.

As `sweep`, in two directions at once: a TIFF is decided once for each rectangle within which no
threshold passes a value of its candidates, not once for each point. Each TIFF is decided by itself:
who gets a JPEG that two TIFFs claim is no part of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Limits, Rule, decide
from backlabel.matching.evidence import Candidate
from backlabel.reporting.summary import share
from backlabel.reporting.sweep import COMPARED, STEP_BITS, STEPS, SWEPT, known_up_to, right_pages
from backlabel.storage.rows import PageKey, TruePair, Verdict

HAMMING = ("hamming_threshold", "ssim_hamming_threshold")


@dataclass(frozen=True)
class Axis:
    """A threshold and its values, ascending."""

    threshold: str
    values: Sequence[float]


@dataclass(frozen=True)
class Point:
    """What is matched where two thresholds have these values; `other` is 0 of a single one."""

    one: float
    other: float
    matched: int
    match_rate: float
    wrong: int | None
    precision: float | None
    recall: float | None


Evidence = Mapping[PageKey, list[Candidate] | UnreadableImageError]
"""The candidates by picture, or why it could not be read."""


def axes(evidence: Evidence, limits: Limits, rule: Rule) -> list[list[Axis]]:
    """The planes that are worth a look: of the Hamming thresholds, and of what the rule reads.

    The first is as wide as scores are known, whatever the thresholds in force.
    """
    readable = [known for known in evidence.values() if isinstance(known, list)]
    last = known_up_to(readable, limits)
    steps = {*range(0, last, STEP_BITS), *(min(getattr(limits, name), last) for name in HAMMING)}
    values = sorted({*steps, last})
    scores = [Axis(name, [i / STEPS for i in range(STEPS + 1)]) for name in SWEPT[rule]]
    pairs = [scores[i : i + 2] for i in range(0, len(scores), 2)]
    return [[Axis(name, values) for name in HAMMING], *pairs]


def plane(
    chosen: Sequence[Axis],
    evidence: Evidence,
    *,
    path_of: Callable[[int], str],
    limits: Limits,
    rule: Rule,
    truth: Sequence[TruePair] | None,
) -> list[Point]:
    """A point for each pair of values of one or two thresholds; the others stay as they are.

    A threshold for scores above the Hamming threshold counts as equal to it.
    """
    first = chosen[0].values
    second = chosen[1].values if len(chosen) > 1 else [0.0]
    matched = np.zeros((len(first) + 1, len(second) + 1), np.int64)
    right = matched.copy()
    true = None if truth is None else right_pages(truth, evidence)
    for (path, page), known in evidence.items():
        if isinstance(known, UnreadableImageError):
            continue
        for corner, row in _matches(known, chosen, limits, rule):
            _add(matched, corner)
            if page in (true or {}).get((path, path_of(row)), ()):
                _add(right, corner)
    matched, right = (found.cumsum(0).cumsum(1)[:-1, :-1] for found in (matched, right))
    reachable = None if true is None else len(true)
    return [
        _point((value, second[j]), (int(matched[i, j]), int(right[i, j])), len(evidence), reachable)
        for (i, value), j in product(enumerate(first), range(len(second)))
    ]


def curves(
    axes: Sequence[Axis], points: Sequence[Point], limits: Limits
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Along the first threshold, the second being as it is in force, or as near as there is."""
    at = None
    if len(axes) > 1:
        in_force = getattr(limits, axes[1].threshold)
        at = min(axes[1].values, key=lambda value: abs(value - in_force))
    for measure in ("match_rate", "precision", "recall"):
        line = [
            (round(point.one if point.one > 1 else 100 * point.one), getattr(point, measure))
            for point in points
            if at is None or point.other == at
        ]
        if all(value is not None for _, value in line):
            yield f"plane/{axes[0].threshold}.{measure}", line


_Corner = tuple[int, int, int, int]
"""A rectangle of the plane: from and to (exclusive), in both directions."""


def _matches(
    candidates: list[Candidate], chosen: Sequence[Axis], limits: Limits, rule: Rule
) -> Iterator[tuple[_Corner, int]]:
    """Each rectangle in which the TIFF is matched, and the row of its JPEG there."""
    if not candidates:
        return
    spans = [list(_spans(candidates, axis)) for axis in chosen]
    for (start, end), (low, high) in product(spans[0], spans[1] if len(spans) > 1 else [(0, 1)]):
        values = {chosen[0].threshold: chosen[0].values[start]}
        if len(chosen) > 1:
            values[chosen[1].threshold] = chosen[1].values[low]
        decision = decide(candidates, _with(limits, values), rule)
        if decision.verdict is Verdict.MATCHED and decision.chosen is not None:
            yield (start, end, low, high), decision.chosen.row


def _spans(candidates: Iterable[Candidate], axis: Axis) -> Iterator[tuple[int, int]]:
    """The runs of values between two of the candidates' own."""
    compared = COMPARED[axis.threshold]
    own = {value for one in candidates if (value := compared(one)) is not None}
    count = len(axis.values)
    starts = sorted({0, *(bisect_right(axis.values, value) for value in own)} - {count})
    yield from pairwise([*starts, count])


def _with(limits: Limits, values: Mapping[str, float]) -> Limits:
    changes: dict[str, Any] = dict(values)
    if "ssim_hamming_threshold" in changes:
        highest = changes.get("hamming_threshold", limits.hamming_threshold)
        changes["ssim_hamming_threshold"] = min(changes["ssim_hamming_threshold"], highest)
    return replace(limits, **changes)


def _add(counts: np.ndarray[Any, np.dtype[np.int64]], corner: _Corner) -> None:
    """One more in a rectangle, of which sums along both directions make every point of it."""
    start, end, low, high = corner
    counts[start, low] += 1
    counts[end, low] -= 1
    counts[start, high] -= 1
    counts[end, high] += 1


def _point(
    at: tuple[float, float], found: tuple[int, int], tiffs: int, reachable: int | None
) -> Point:
    matched, right = found
    known = reachable is not None
    return Point(
        *at,
        matched,
        share(matched, tiffs),
        matched - right if known else None,
        share(right, matched, empty=1.0) if known else None,
        share(right, reachable, empty=1.0) if reachable is not None else None,
    )
