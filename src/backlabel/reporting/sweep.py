"""What would be matched if one threshold had another value, by the scores at hand.

Nothing is computed anew. The Hamming thresholds are swept beyond their values too: scores exist up
to the threshold in force, so that a higher one is known up to the nearest candidate without scores.
Of the others, those that the rule reads are swept over their whole range. Each TIFF is decided by
itself: who gets a JPEG that two TIFFs claim is not part of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Limits, Rule, counts, decide
from backlabel.matching.evidence import Candidate
from backlabel.reporting.summary import share
from backlabel.section import BITS
from backlabel.storage.rows import Match, PageKey, SweepPoint, TruePair, Verdict

STEP_BITS = 5
_BEYOND = 2  # times the threshold in force
STEPS = 50
SWEPT = {
    Rule.SEED: {},
    Rule.SSIM: {"min_ssim": "min_ssim"},
    Rule.COMBINED: {"min_explained": "min_explained", "min_spoke": "min_spoke"},
}
"""The field of Limits by the name of the parameter that sets it, for each rule."""
COMPARED: Mapping[str, Callable[[Candidate], float | None]] = {
    "hamming_threshold": attrgetter("distance"),
    "ssim_hamming_threshold": attrgetter("distance"),
    "min_ssim": attrgetter("ssim"),
    "min_explained": attrgetter("explained"),
    "min_spoke": attrgetter("spoke"),
}
"""What of a candidate is compared with each threshold."""


def sweep(
    rows: Sequence[Match],
    *,
    evidence: Mapping[PageKey, list[Candidate] | UnreadableImageError],
    path_of: Callable[[int], str],
    limits: Limits,
    rule: Rule,
    truth: Sequence[TruePair] | None,
) -> list[SweepPoint]:
    """A point for each value of each threshold, the others staying as they are in `limits`.

    `evidence` holds the scored candidates by picture, and `path_of` gives the path of
    the JPEG in a row.
    """
    keys = [row.key for row in rows]
    true = None if truth is None else right_pages(truth, keys)
    candidates = {key: evidence.get(key, []) for key in keys}
    readable = {
        key: known
        for key, known in candidates.items()
        if not isinstance(known, UnreadableImageError)
    }
    points = []
    last = known_up_to(readable.values(), limits)
    for name, steps in groupby(_values(limits, rule, last), key=itemgetter(0)):
        values = [(value, changed) for _, value, changed in steps]
        matched, right = np.zeros(len(values), np.int64), np.zeros(len(values), np.int64)
        for (path, page), known in readable.items():
            for where, row in _decided(known, name, values, rule):
                matched[where] += row is not None
                right[where] += row is not None and page in (true or {}).get(
                    (path, path_of(row)), ()
                )
        points += [
            SweepPoint(
                threshold=name,
                value=value,
                match_rate=share(pairs, len(keys)),
                precision=None if true is None else share(good, pairs, empty=1.0),
                recall=None if true is None else share(good, len(true), empty=1.0),
            )
            for (value, _), pairs, good in zip(
                values, matched.tolist(), right.tolist(), strict=True
            )
        ]
    return points


def right_pages(
    truth: Sequence[TruePair], keys: Iterable[PageKey]
) -> dict[tuple[str, str], set[int]]:
    """The pages that are right for each true pair (TIFF, JPEG) of which one was compared."""
    pages: dict[str, set[int]] = {}
    for path, page in keys:
        pages.setdefault(path, set()).add(page)
    right: dict[tuple[str, str], set[int]] = {}
    for pair in truth:
        there = pages.get(pair.TIFF_path, set())
        found = there if pair.page is None else there & {pair.page}
        if found:
            right.setdefault((pair.TIFF_path, pair.JPEG_path), set()).update(found)
    return right


def _decided(
    candidates: list[Candidate], threshold: str, values: Sequence[tuple[float, Limits]], rule: Rule
) -> Iterator[tuple[slice, int | None]]:
    """For each run of the ascending `values` the row of the JPEG that is matched there.

    A threshold is only ever compared with the candidates' own values, so that the decision is the
    same for all of its values between two of theirs, and is made once there.
    """
    own = {value for one in candidates if (value := COMPARED[threshold](one)) is not None}
    steps = [value for value, _ in values]
    # A score passes up to its own value and a distance above it: both change at the next value.
    starts = sorted({0, *(bisect_right(steps, value) for value in own)} - {len(values)})
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        decision = decide(candidates, values[start][1], rule)
        matched = decision.verdict is Verdict.MATCHED and decision.chosen is not None
        yield slice(start, end), decision.chosen.row if matched and decision.chosen else None


def known_up_to(evidence: Iterable[list[Candidate]], limits: Limits) -> int:
    """The highest threshold of SSIM, in bits, below which every candidate has its scores."""
    unscored = [
        one.distance
        for candidates in evidence
        for one in candidates
        if one.scores is None and not counts(one, limits)
    ]
    return min([*unscored, furthest(limits)])


def furthest(limits: Limits) -> int:
    """No Hamming threshold above this many bits is swept."""
    return min(_BEYOND * limits.hamming_threshold, BITS)


def _values(limits: Limits, rule: Rule, last: int) -> Iterator[tuple[str, float, Limits]]:
    for bits in _steps(limits.hamming_threshold, furthest(limits)):
        lower = min(bits, limits.ssim_hamming_threshold)
        yield (
            "hamming_threshold",
            bits,
            replace(limits, hamming_threshold=bits, ssim_hamming_threshold=lower),
        )
    for bits in _steps(limits.ssim_hamming_threshold, last):
        higher = max(bits, limits.hamming_threshold)
        yield (
            "ssim_hamming_threshold",
            bits,
            replace(limits, hamming_threshold=higher, ssim_hamming_threshold=bits),
        )
    for name, field in SWEPT[rule].items():
        for step in range(STEPS + 1):
            value = step / STEPS
            yield name, value, _with(limits, field, value)


def _with(limits: Limits, field: str, value: float) -> Limits:
    change: dict[str, Any] = {field: value}
    return replace(limits, **change)


def _steps(in_force: int, last: int) -> list[int]:
    return sorted({*range(0, last, STEP_BITS), in_force, last})
