"""What would be matched if one threshold had another value, told from the scores at hand.

Nothing is computed anew. Scores exist only up to the thresholds in force, so that the Hamming
thresholds are swept from 0 up to their values. Of the others, those that the rule reads are swept
over their whole range. Each TIFF is decided by itself: who gets a JPEG that two TIFFs claim is not
part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Candidate, Limits, Rule, Verdict, decide
from backlabel.matching.records import Match, SweepPoint
from backlabel.records import TruePair
from backlabel.reporting.summary import share

STEP_BITS = 5
STEPS = 50
_SWEPT = {
    Rule.SEED: {},
    Rule.SSIM: {"min_ssim": "min_ssim"},
    Rule.COMBINED: {"min_noise_in_common": "min_residual", "min_ssim_matched": "min_ssim_matched"},
}
"""The field of Limits by the name of the parameter that sets it, for each rule."""


def sweep(
    rows: Sequence[Match],
    *,
    evidence: Mapping[str, list[Candidate] | UnreadableImageError],
    jpegs: Sequence[str],
    limits: Limits,
    rule: Rule,
    truth: Sequence[TruePair] | None,
) -> list[SweepPoint]:
    """A point for each value of each threshold, the others staying as they are in `limits`.

    `evidence` holds the scored candidates by TIFF path, their rows counting in `jpegs` (paths).
    """
    paths = [row.TIFF_path for row in rows]
    true = {(pair.TIFF_path, pair.JPEG_path) for pair in truth} if truth is not None else None
    points = []
    for name, value, changed in _values(limits, rule):
        pairs = list(_pairs(paths, evidence, jpegs, changed, rule))
        right = None if true is None else len(true.intersection(pairs))
        reachable = None if true is None else sum(tiff in set(paths) for tiff, _ in true)
        points.append(
            SweepPoint(
                threshold=name,
                value=value,
                match_rate=share(len(pairs), len(paths)),
                precision=None if right is None else share(right, len(pairs), empty=1.0),
                recall=None
                if right is None or reachable is None
                else share(right, reachable, empty=1.0),
            )
        )
    return points


def _values(limits: Limits, rule: Rule) -> Iterator[tuple[str, float, Limits]]:
    for bits in _up_to(limits.hamming_threshold):
        lower = min(bits, limits.ssim_hamming_threshold)
        yield (
            "hamming_threshold",
            bits,
            replace(limits, hamming_threshold=bits, ssim_hamming_threshold=lower),
        )
    for bits in _up_to(limits.ssim_hamming_threshold):
        yield "ssim_hamming_threshold", bits, replace(limits, ssim_hamming_threshold=bits)
    for name, field in _SWEPT[rule].items():
        for step in range(STEPS + 1):
            value = step / STEPS
            yield name, value, _with(limits, field, value)


def _with(limits: Limits, field: str, value: float) -> Limits:
    change: dict[str, Any] = {field: value}
    return replace(limits, **change)


def _up_to(last: int) -> list[int]:
    return sorted({*range(0, last, STEP_BITS), last})


def _pairs(
    paths: Sequence[str],
    evidence: Mapping[str, list[Candidate] | UnreadableImageError],
    jpegs: Sequence[str],
    limits: Limits,
    rule: Rule,
) -> Iterator[tuple[str, str]]:
    for path in paths:
        found = evidence.get(path, [])
        if isinstance(found, UnreadableImageError):
            continue
        decision = decide(found, limits, rule)
        if decision.verdict is Verdict.MATCHED and decision.chosen is not None:
            yield path, jpegs[decision.chosen.row]
