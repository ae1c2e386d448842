"""What would be matched if one threshold had another value, told from the scores at hand.

Nothing is computed anew. Scores exist only up to the thresholds in force, so that the Hamming
thresholds are swept from 0 up to their values. Of the others, those that the rule reads are swept
over their whole range. Each TIFF is decided by itself: who gets a JPEG that two TIFFs claim is not
part of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter, itemgetter
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
_COMPARED: Mapping[str, Callable[[Candidate], float | None]] = {
    "hamming_threshold": attrgetter("distance"),
    "ssim_hamming_threshold": attrgetter("distance"),
    "min_ssim": attrgetter("ssim"),
    "min_noise_in_common": attrgetter("noise"),
    "min_ssim_matched": attrgetter("ssim_matched"),
}
"""What of a candidate is compared with each threshold."""


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
    reachable = None if true is None else sum(tiff in set(paths) for tiff, _ in true)
    candidates = {path: evidence.get(path, []) for path in paths}
    readable = {
        path: known
        for path, known in candidates.items()
        if not isinstance(known, UnreadableImageError)
    }
    points = []
    for name, steps in groupby(_values(limits, rule), key=itemgetter(0)):
        found = {path: _Decided(known, name, rule) for path, known in readable.items()}
        for _, value, changed in steps:
            pairs = [
                (path, jpegs[row])
                for path in paths
                if path in found and (row := found[path].row(value, changed)) is not None
            ]
            right = None if true is None else len(true.intersection(pairs))
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


class _Decided:
    """The decisions on one TIFF over the values of one threshold.

    A threshold is only ever compared with the candidates' own values, so that the decision is the
    same for all of its values between two of theirs, and is made once there.
    """

    def __init__(self, candidates: list[Candidate], threshold: str, rule: Rule) -> None:
        self._candidates, self._rule = candidates, rule
        values = (_COMPARED[threshold](one) for one in candidates)
        self._values = sorted(value for value in values if value is not None)
        self._found: dict[int, int | None] = {}

    def row(self, value: float, limits: Limits) -> int | None:
        """The row of the JPEG that is matched under `limits`, whose threshold is `value`."""
        below = bisect_left(self._values, value)
        if below not in self._found:
            decision = decide(self._candidates, limits, self._rule)
            matched = decision.verdict is Verdict.MATCHED and decision.chosen is not None
            self._found[below] = decision.chosen.row if matched and decision.chosen else None
        return self._found[below]


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
