"""The evidence of many TIFFs: on the disk, as objects only while it is looked at."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any, overload

from backlabel.errors import UnreadableImageError
from backlabel.matching.evidence import Candidate, Evidence, NearPair, Placement, Scores
from backlabel.storage.scratch import Shelf


class Collected(Sequence[Evidence]):
    """The evidence of each TIFF, in their order. What is taken out is a copy: `put` changes it."""

    def __init__(self, evidence: Iterable[Evidence] = ()) -> None:
        self._held, self._count = Shelf(), 0
        self._errors: dict[int, UnreadableImageError] = {}
        for i, one in enumerate(evidence):
            self._count = i + 1
            self.put(i, one)

    def put(self, at: int, evidence: Evidence) -> None:
        """Give TIFF `at` this evidence, in the place of what it has."""
        if isinstance(evidence, UnreadableImageError):
            self._errors[at] = evidence
            return
        self._errors.pop(at, None)
        # Marshal, since it does in a microsecond what takes JSON ten; nothing of it leaves here.
        self._held[at] = marshal.dumps([*map(_plain, evidence)])

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> Evidence: ...
    @overload
    def __getitem__(self, at: slice) -> list[Evidence]: ...
    def __getitem__(self, at: int | slice) -> Evidence | list[Evidence]:
        if isinstance(at, slice):
            return [self[i] for i in range(len(self))[at]]
        if at in self._errors:
            return self._errors[at]
        if not 0 <= at < self._count:
            raise IndexError(at)
        return [_candidate(*one) for one in marshal.loads(self._held[at])]  # noqa: S302 - our own


def _plain(one: Candidate) -> tuple[Any, ...]:
    pair, scores = one.pair, one.scores
    return (
        (pair.row, pair.hamming_standardised, pair.hamming_grey, pair.variant),
        pair.part and astuple(pair.part),
        scores and (scores.ssim, scores.explained, scores.spoke, scores.degradation),
        one.label,
    )


def _candidate(
    pair: tuple[int, int, int | None, str],
    part: tuple[Any, ...] | None,
    scores: tuple[Any, ...] | None,
    label: str,
) -> Candidate:
    place = None if part is None else Placement(*part)
    return Candidate(NearPair(*pair, place), None if scores is None else Scores(*scores), label)
