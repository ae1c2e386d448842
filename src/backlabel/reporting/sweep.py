"""What would be matched if one threshold had another value, by the scores at hand.

Nothing is computed anew. The Hamming thresholds are swept beyond their values too: scores exist up
to the threshold in force, so that a higher one is known up to the nearest candidate without scores.
Of the others, those that the rule reads are swept over their whole range. Each TIFF is decided by
itself: who gets a JPEG that two TIFFs claim is not part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Limits, Rule, counts
from backlabel.matching.evidence import Candidate
from backlabel.reporting.summary import share
from backlabel.reporting.tally import Tally
from backlabel.section import BITS
from backlabel.storage.rows import Match, PageKey, SweepPoint, TruePair

STEP_BITS = 5
_BEYOND = 2  # times the threshold in force
STEPS = 50
SWEPT = {
    Rule.SEED: (),
    Rule.SSIM: ("min_ssim",),
    Rule.COMBINED: ("min_explained", "min_spoke"),
}
"""The limits of scores that each rule reads."""
Evidence: TypeAlias = Mapping[PageKey, list[Candidate] | UnreadableImageError]
"""The candidates by picture, or why it could not be read."""


@dataclass(frozen=True)
class Counted:
    """What is matched at some limits; what is None takes a list of true pairs."""

    matched: int
    match_rate: float
    wrong: int | None
    precision: float | None
    recall: float | None


class Counts:
    """What of `pictures` is matched at any limits, by their `evidence`.

    `path_of` gives the path of the JPEG in a row.
    """

    def __init__(
        self,
        evidence: Evidence,
        pictures: Collection[PageKey],
        path_of: Callable[[int], str],
        rule: Rule,
        truth: Sequence[TruePair] | None,
    ) -> None:
        true = right_pages(truth or [], pictures)
        self._pictures, self._true = len(pictures), None if truth is None else len(true)

        def is_right(picture: PageKey, row: int) -> bool:
            path, page = picture
            return bool(true) and page in true.get((path, path_of(row)), ())

        self._tally = Tally(readable(evidence), rule, is_right)

    def at(self, limits: Limits) -> Counted:
        """What is matched at these limits, each TIFF being decided by itself."""
        matched, right = self._tally.at(limits)
        if self._true is None:
            return Counted(matched, share(matched, self._pictures), None, None, None)
        return Counted(
            matched=matched,
            match_rate=share(matched, self._pictures),
            wrong=matched - right,
            precision=share(right, matched, empty=1.0),
            recall=share(right, self._true, empty=1.0),
        )


def sweep(
    rows: Sequence[Match],
    *,
    evidence: Evidence,
    path_of: Callable[[int], str],
    limits: Limits,
    rule: Rule,
    truth: Sequence[TruePair] | None,
) -> list[SweepPoint]:
    """A point for each value of each threshold, the others staying as they are in `limits`."""
    counts = Counts(evidence, [row.key for row in rows], path_of, rule, truth)
    points = []
    for name, value, changed in _values(limits, rule, known_up_to(evidence, limits)):
        found = counts.at(changed)
        points.append(SweepPoint(name, value, found.match_rate, found.precision, found.recall))
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


def readable(evidence: Evidence) -> dict[PageKey, list[Candidate]]:
    """The candidates of the pictures that could be read."""
    return {
        key: known for key, known in evidence.items() if not isinstance(known, UnreadableImageError)
    }


def known_up_to(evidence: Evidence, limits: Limits) -> int:
    """The highest threshold of SSIM, in bits, below which every candidate has its scores."""
    unscored = [
        one.distance
        for candidates in readable(evidence).values()
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
    for name in SWEPT[rule]:
        for step in range(STEPS + 1):
            yield name, step / STEPS, with_values(limits, {name: step / STEPS})


def with_values(limits: Limits, values: Mapping[str, Any]) -> Limits:
    """`limits` with other values of those that are named."""
    return replace(limits, **values)


def _steps(in_force: int, last: int) -> list[int]:
    return sorted({*range(0, last, STEP_BITS), in_force, last})
