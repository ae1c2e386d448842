"""What would be matched over a plane of two thresholds, from evidence at hand.

As `sweep`, in two directions at once. Each TIFF is decided by itself: who gets a JPEG that two
TIFFs claim is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from backlabel.matching.decide import Limits, Rule
from backlabel.matching.evidence import Evidence
from backlabel.reporting.sweep import (
    STEP_BITS,
    STEPS,
    SWEPT,
    Counted,
    Counts,
    known_up_to,
    with_values,
)
from backlabel.reporting.tally import basis

HAMMING = ("hamming_threshold", "ssim_hamming_threshold")


@dataclass(frozen=True)
class Axis:
    """A threshold and its values, ascending."""

    threshold: str
    values: Sequence[float]


@dataclass(frozen=True)
class Point:
    """What is matched where the thresholds of the axes have these values."""

    values: tuple[float, ...]
    found: Counted


def axes(evidence: Iterable[Evidence], limits: Limits, rule: Rule) -> list[list[Axis]]:
    """The planes that are worth a look: of the Hamming thresholds, and of what the rule reads.

    The first is as wide as scores are known, whatever the thresholds in force.
    """
    last = known_up_to(evidence, limits)
    steps = {*range(0, last, STEP_BITS), *(min(getattr(limits, name), last) for name in HAMMING)}
    values = sorted({*steps, last})
    scores = [Axis(name, [i / STEPS for i in range(STEPS + 1)]) for name in SWEPT[rule]]
    pairs = [scores[i : i + 2] for i in range(0, len(scores), 2)]
    return [[Axis(name, values) for name in HAMMING], *pairs]


def plane(chosen: Sequence[Axis], counts: Counts, limits: Limits) -> list[Point]:
    """A point for each pair of values of one or two thresholds; the others stay as they are.

    What counts is nearer than both Hamming thresholds: neither needs to be the higher one.
    """
    names = [axis.threshold for axis in chosen]
    every = {
        values: with_values(limits, dict(zip(names, values, strict=True)))
        for values in product(*(axis.values for axis in chosen))
    }
    found = {
        values: counts.at(every[values])
        for values in sorted(every, key=lambda one: basis(every[one]))
    }
    return [Point(values, found[values]) for values in every]


def curves(
    axes: Sequence[Axis], points: Sequence[Point], limits: Limits
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Along the first threshold, the second being as it is in force, or as near as there is."""
    in_force = [
        min(axis.values, key=lambda value: abs(value - getattr(limits, axis.threshold)))
        for axis in axes[1:]
    ]
    shown = [point for point in points if [*point.values[1:]] == in_force]
    for measure in ("match_rate", "precision", "recall"):
        line = [
            (round(one if one > 1 else 100 * one), getattr(point.found, measure))
            for point in shown
            for one in point.values[:1]
        ]
        if all(value is not None for _, value in line):
            yield f"plane/{axes[0].threshold}.{measure}", line
