"""What would be matched if one threshold had another value, by the scores at hand.

Nothing is computed anew. The Hamming thresholds are swept beyond their values too: scores exist up
to the threshold in force, so that a higher one is known up to the nearest candidate without scores.
Of the others, those that the rule reads are swept over their whole range. Each TIFF is decided by
itself: who gets a JPEG that two TIFFs claim is not part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Limits, Rule, counts
from backlabel.matching.evidence import Evidence
from backlabel.reporting.summary import share
from backlabel.reporting.tally import Tally
from backlabel.storage.rows import PageKey, SweepPoint, TruePair

STEP_BITS = 5
STEPS = 50
SWEPT = {
    Rule.SEED: (),
    Rule.SSIM: ("min_ssim",),
    Rule.COMBINED: ("min_explained", "min_spoke"),
}
"""The limits of scores that each rule reads."""


@dataclass(frozen=True)
class Counted:
    """What is matched at some limits; what is None takes a list of true pairs."""

    matched: int
    match_rate: float
    wrong: int | None
    precision: float | None
    recall: float | None


class Counts:
    """What is matched at any limits, by the `evidence` of pictures.

    `keys` are theirs, in order, and of those that have no evidence since they gave no hash.
    `path_of` gives the path of the JPEG in a row.
    """

    def __init__(
        self,
        evidence: Sequence[Evidence],
        keys: Iterable[PageKey],
        path_of: Callable[[int], str],
        rule: Rule,
        truth: Sequence[TruePair] | None,
    ) -> None:
        wanted: dict[str, list[TruePair]] = {}
        for pair in truth or ():
            wanted.setdefault(pair.TIFF_path, []).append(pair)
        true: set[tuple[str, str]] = set()
        right: set[tuple[int, str]] = set()
        self._pictures = 0
        for i, (path, page) in enumerate(keys):
            here = [one.JPEG_path for one in wanted.get(path, ()) if one.page in (None, page)]
            true.update((path, jpeg) for jpeg in here)
            right.update((i, jpeg) for jpeg in here)
            self._pictures += 1
        self._true = None if truth is None else len(true)

        def is_right(picture: int, row: int) -> bool:
            return bool(right) and (picture, path_of(row)) in right

        self._tally = Tally(evidence, rule, is_right)

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
    evidence: Sequence[Evidence],
    keys: Iterable[PageKey],
    *,
    path_of: Callable[[int], str],
    limits: Limits,
    rule: Rule,
    truth: Sequence[TruePair] | None,
) -> list[SweepPoint]:
    """A point for each value of each threshold, the others staying as they are in `limits`.

    The pictures are those of `Counts`.
    """
    counts = Counts(evidence, keys, path_of, rule, truth)
    points = []
    for name, value, changed in _values(limits, rule, known_up_to(evidence, limits)):
        found = counts.at(changed)
        points.append(SweepPoint(name, value, found.match_rate, found.precision, found.recall))
    return points


def known_up_to(evidence: Iterable[Evidence], limits: Limits) -> int:
    """The highest threshold of SSIM, in bits, below which every candidate has its scores."""
    unscored = [
        one.distance
        for known in evidence
        if not isinstance(known, UnreadableImageError)
        for one in known
        if one.scores is None and not counts(one, limits)
    ]
    return min([*unscored, limits.furthest])


def _values(limits: Limits, rule: Rule, last: int) -> Iterator[tuple[str, float, Limits]]:
    for bits in _steps(limits.hamming_threshold, limits.furthest):
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
