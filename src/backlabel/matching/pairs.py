"""From what lies near each TIFF to its evidence: the pairs that are close enough are scored.

Pairs go to the workers one after the other, and evidence comes when the scores of a TIFF are there,
so that memory holds the TIFFs that are under way, however many there are.
"""

from __future__ import annotations

import itertools
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backlabel.errors import UnreadableImageError
from backlabel.matching.evidence import Candidate, Evidence, NearPair, Pair, Scored, Scores
from backlabel.matching.measuring import Measuring
from backlabel.storage import columns
from backlabel.storage.rows import JpegHash, TiffHash

_READ_TOGETHER = 500  # TIFFs whose JPEGs are read from columns


@dataclass(frozen=True, slots=True)
class _Asked:
    """A TIFF whose near JPEGs are being scored."""

    path: str
    near: Sequence[NearPair]
    labels: Sequence[str]
    close: Sequence[bool]
    """Whether each is scored."""
    scores: list[Scored | None] = field(default_factory=list)
    """Of those that are; None where none is."""


def scored(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    near: Iterable[Sequence[NearPair]],
    limit: int,
    images: Measuring,
) -> Iterator[Evidence]:
    """The evidence of each of `tiffs`, of which `near` has the JPEGs.

    Scored are pairs of less than `limit` bits. While one is waited for, `near` may be asked for
    more.
    """
    asked: deque[_Asked] = deque()
    for scores in images.scores(_pairs(tiffs, jpegs, near, limit, asked)):
        first = asked[0]
        first.scores.append(scores)
        if len(first.scores) >= sum(first.close):
            yield _evidence(asked.popleft())


def _pairs(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    near: Iterable[Sequence[NearPair]],
    limit: int,
    asked: deque[_Asked],
) -> Iterator[Pair | None]:
    """The pairs to score, TIFF by TIFF, each of which is added to `asked`; None for no pair."""
    ours = zip(*(columns.values(tiffs, name) for name in ("path", "sha256", "page")), strict=True)
    rest = iter(near)
    while some := list(itertools.islice(rest, _READ_TOGETHER)):
        rows = columns.taken(jpegs, [pair.row for own in some for pair in own])
        theirs = zip(
            *(columns.values(rows, name) for name in ("path", "sha256", "label")), strict=True
        )
        for own, (path, sha256, page) in zip(some, ours, strict=False):
            read = [*itertools.islice(theirs, len(own))]
            close = [pair.distance < limit for pair in own]
            asked.append(_Asked(path, own, [sys.intern(label) for *_, label in read], close))
            if not any(close):
                yield None
            for pair, (jpeg, jpeg_sha256, _), is_close in zip(own, read, close, strict=True):
                if is_close:
                    yield Pair(path, jpeg, pair.variant, sha256, jpeg_sha256, page)


def _evidence(tiff: _Asked) -> Evidence:
    """A TIFF is unreadable if none of its pairs could be scored for its sake."""
    errors = [
        scores
        for scores in tiff.scores
        if isinstance(scores, UnreadableImageError)
        and scores.path in {None, str(Path(tiff.path))}  # else it is the JPEG that cannot be read
    ]
    if errors and not any(isinstance(scores, Scores) for scores in tiff.scores):
        return errors[0]
    its = iter(tiff.scores)
    scored = (next(its) if is_close else None for is_close in tiff.close)
    return [
        Candidate(pair, scores if isinstance(scores, Scores) else None, label)
        for pair, scores, label in zip(tiff.near, scored, tiff.labels, strict=True)
    ]
