"""How many TIFFs are matched at any limits, from their candidates: what `decide` says of each.

The Hamming thresholds and `min_spoke` say which candidates count. Among those, the best of a TIFF
is matched for every least score up to its own and above that of the first that speaks against it.
So these are found once for all least scores, and two sorted rows of scores count the TIFFs.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Limits, Rule
from backlabel.matching.evidence import Candidate, Evidence

_LOWEST = -2.0
"""Below every score: it stands for one that is no number."""
_Spans: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""For TIFFs, ascending each: the last least score that matches, and the last one that does not."""


class Tally:
    """The candidates of each picture, counted by `rule`.

    `is_right` says of a picture, by its number, and of a row whether the pair is a true one. Limits
    of one `basis` are counted the most quickly if they come one after the other.
    """

    def __init__(
        self,
        evidence: Iterable[Evidence],
        rule: Rule,
        is_right: Callable[[int, int], bool],
    ) -> None:
        self._rule = rule
        labels: defaultdict[str, int] = defaultdict(count().__next__)
        rows = (
            (
                tiff,
                one.row,
                labels[one.label],
                -1 if one.pair.part else one.distance,  # what features found is near at any limit
                one.pair.is_part,
                one.pair.part.tiff_covered if one.pair.part else 1.0,
                math.inf if rule is not Rule.COMBINED else -1.0 if one.spoke is None else one.spoke,
                score,
                is_right(tiff, one.row),
            )
            for tiff, known in enumerate(evidence)
            if not isinstance(known, UnreadableImageError)
            for score, one in _ranked(known, rule)
        )
        columns = np.fromiter(rows, np.dtype((np.float64, 9))).T
        self._tiff, jpeg, self._label, self._bits = columns[:4].astype(np.int64)
        pairs = self._tiff * (jpeg.max(initial=0) + 1) + jpeg
        self._pair = np.unique(pairs, return_inverse=True)[1]
        self._is_part, self._is_right = columns[[4, 8]].astype(np.bool_)
        self._shown, self._spoke, self._score = columns[5:8]
        self._counted = lru_cache(maxsize=1)(self._spans)

    def at(self, limits: Limits) -> tuple[int, int]:
        """How many pictures are matched, and how many of them rightly."""
        least = {
            Rule.SEED: -math.inf,
            Rule.SSIM: limits.min_ssim,
            Rule.COMBINED: limits.min_explained,
        }[self._rule]
        spans = self._counted(*basis(limits))
        matched, right = (_reaching(last, least) - _reaching(not_, least) for last, not_ in spans)
        return matched, right

    def _spans(
        self, bits: int, min_spoke: float, min_margin: float, min_part_share: float
    ) -> tuple[_Spans, _Spans]:
        """Of all pictures, and of those whose best is right."""
        among = np.flatnonzero((self._bits < bits) & (self._spoke >= min_spoke))
        among = among[_is_first(self._pair[among])]
        among = among[self._shown[among] >= min_part_share]
        leads = _is_first(self._tiff[among])
        best = among[leads]
        ahead = best[np.cumsum(leads) - 1]
        against = np.flatnonzero(self._speaks_against(among, ahead, min_margin))
        against = against[_is_first(self._tiff[among[against]])]
        last, not_ = self._score[best], self._score[among[against]]
        return (np.sort(last), np.sort(not_)), (
            np.sort(last[self._is_right[best]]),
            np.sort(not_[self._is_right[ahead[against]]]),
        )

    def _speaks_against(
        self, one: NDArray[np.int64], best: NDArray[np.int64], min_margin: float
    ) -> NDArray[np.bool_]:
        """Whether candidates, if they pass, leave it open that the `best` is the right one."""
        if self._rule is not Rule.COMBINED:
            return np.zeros(len(one), np.bool_)
        is_whole = ~(self._is_part[one] | self._is_part[best])
        is_close = self._score[best] - self._score[one] < min_margin
        is_other_label = self._label[one] != self._label[best]
        speaks: NDArray[np.bool_] = (one != best) & (is_other_label | is_whole & is_close)
        return speaks


def basis(limits: Limits) -> tuple[int, float, float, float]:
    """What says which candidates count, and which speak against others: all but least scores."""
    bits = min(limits.hamming_threshold, limits.ssim_hamming_threshold)
    return bits, limits.min_spoke, limits.min_margin, limits.min_part_share


def _ranked(candidates: Sequence[Candidate], rule: Rule) -> Iterator[tuple[float, Candidate]]:
    """Those that have the score by which the rule ranks them, with it, best first."""
    scored = [
        (_LOWEST if math.isnan(score) else score, one)
        for one in candidates
        if (score := one.explained if rule is Rule.COMBINED else one.ssim) is not None
    ]
    yield from sorted(
        scored, key=lambda of: (-of[0], of[1].distance, of[1].row, of[1].pair.variant)
    )


def _is_first(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether no earlier element is of the same group."""
    first = np.zeros(groups.max(initial=-1) + 1, np.int64)
    first[groups[::-1]] = np.arange(len(groups))[::-1]  # of several the last one stays
    here: NDArray[np.bool_] = first[groups] == np.arange(len(groups))
    return here


def _reaching(scores: NDArray[np.float64], least: float) -> int:
    return len(scores) - bisect_left(scores, least)
