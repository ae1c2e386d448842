"""Precision and recall over thresholds, and the thresholds that reach a wanted precision."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.stats import binomtest

from backlabel.calibration.trials import Trial
from backlabel.matching.decide import Limits, Rule, decide
from backlabel.storage.rows import Verdict

GRIDS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "hamming_threshold": tuple(range(10, 310, 10)),
        "min_ssim": tuple(np.linspace(0, 1, 51).round(2).tolist()),
        "min_explained": tuple(np.linspace(0, 1, 51).round(2).tolist()),
        "min_spoke": tuple(np.linspace(0, 1, 51).round(2).tolist()),
    }
)
"""The values at which each threshold is examined."""
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "hamming_threshold": Rule.COMBINED,
        "min_ssim": Rule.SSIM,
        "min_explained": Rule.COMBINED,
        "min_spoke": Rule.COMBINED,
    }
)
"""The rule that reads each threshold."""
CONFIDENCE = 0.95
"""Of every interval."""


@dataclass(frozen=True)
class Share:
    """A share with its Clopper-Pearson interval (exact, two-sided)."""

    hits: int
    of: int
    value: float
    """1 where nothing was counted: no accepted pair is a wrong one."""
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """What one value of one threshold does."""

    threshold: str
    value: float
    precision: Share
    """Of accepted pairs, those that are copies."""
    recall: Share
    """Of copies, those that are accepted."""


@dataclass(frozen=True)
class Recommendation:
    """The value of one threshold for a wanted precision."""

    threshold: str
    wanted_precision: float
    reached: bool
    """Whether any value reaches it; else `point` is the most precise one."""
    proven: bool
    """Whether even the interval's lower end reaches it: more images make it so."""
    point: Point


def share(hits: int, of: int, confidence: float = CONFIDENCE) -> Share:
    """`hits` of `of` with the exact binomial interval (Clopper and Pearson 1934)."""
    if of == 0:
        return Share(0, 0, 1.0, 0.0, 1.0)
    interval = binomtest(hits, of).proportion_ci(confidence, method="exact")
    return Share(hits, of, hits / of, float(interval.low), float(interval.high))


def pairs_to_prove(wanted_precision: float, confidence: float = CONFIDENCE) -> int:
    """Fewest accepted pairs, all of them copies, whose interval starts at `wanted_precision`.

    The exact interval of n of n starts at ((1 - confidence) / 2) ** (1 / n).
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(wanted_precision))


def accepted(trial: Trial, limits: Limits, rule: Rule) -> bool:
    """Whether the pair would be labelled if its JPEG were the only one."""
    return decide([trial.candidate], limits, rule).verdict is Verdict.MATCHED


def sweep(trials: Sequence[Trial], limits: Limits, threshold: str) -> list[Point]:
    """Precision and recall for each value of one threshold of `GRIDS`, the others as in `limits`.

    The SSIM threshold follows the Hamming threshold, so that every candidate counts.
    """
    points = []
    for value in GRIDS[threshold]:
        points.append(_point(trials, _with(limits, threshold, value), threshold, value))
    return points


def recommend(points: Sequence[Point], wanted_precision: float) -> Recommendation:
    """The value in the middle of all that reach `wanted_precision` with the best recall.

    The middle, because both ends touch a pair that was seen, and the next one may lie beyond.
    Raises ValueError for no points.
    """
    if not points:
        raise ValueError("no points to choose from")
    precise = [point for point in points if point.precision.value >= wanted_precision]
    reached = bool(precise)
    if not reached:
        highest = max(point.precision.value for point in points)
        precise = [point for point in points if point.precision.value == highest]
    most = max(point.recall.hits for point in precise)
    best = sorted((p for p in precise if p.recall.hits == most), key=lambda point: point.value)
    point = best[len(best) // 2]
    proven = reached and point.precision.low >= wanted_precision
    return Recommendation(point.threshold, wanted_precision, reached, proven, point)


def calibrate(
    trials: Sequence[Trial], limits: Limits, wanted_precision: float
) -> tuple[Limits, list[Recommendation], list[Point]]:
    """Recommended limits, how each came about, and all points for a plot.

    The explained share comes first, because it separates; how much of the picture must speak and
    the Hamming threshold are then chosen with it in force.
    """
    recommended: list[Recommendation] = []
    everything: list[Point] = []
    for threshold in ("min_explained", "min_spoke", "hamming_threshold", "min_ssim"):
        points = sweep(trials, limits, threshold)
        choice = recommend(points, wanted_precision)
        limits = _with(limits, threshold, choice.point.value)
        recommended.append(choice)
        everything += points
    return limits, recommended, everything


def by_kind(trials: Iterable[Trial], limits: Limits, rule: Rule) -> dict[str, tuple[Share, int]]:
    """For each kind of change the recall of its copies and the number of wrong pairs accepted."""
    counts: dict[str, list[int]] = {}
    for trial in trials:
        hits_of_wrong = counts.setdefault(trial.kind, [0, 0, 0])
        hits_of_wrong[1] += trial.is_copy
        if accepted(trial, limits, rule):
            hits_of_wrong[0 if trial.is_copy else 2] += 1
    return {kind: (share(hits, of), wrong) for kind, (hits, of, wrong) in counts.items()}


def _with(limits: Limits, threshold: str, value: float) -> Limits:
    if threshold == "hamming_threshold":
        bits = int(value)
        return dataclasses.replace(limits, hamming_threshold=bits, ssim_hamming_threshold=bits)
    change: dict[str, Any] = {threshold: value}
    return dataclasses.replace(limits, **change)


def _point(trials: Sequence[Trial], limits: Limits, threshold: str, value: float) -> Point:
    taken = [trial for trial in trials if accepted(trial, limits, RULES[threshold])]
    right = sum(trial.is_copy for trial in taken)
    copies = sum(trial.is_copy for trial in trials)
    return Point(threshold, value, share(right, len(taken)), share(right, copies))
