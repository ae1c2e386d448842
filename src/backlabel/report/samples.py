"""Which pairs a report shows, and their pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.images import encoding
from backlabel.review import pictures
from backlabel.review.desk import Pair
from backlabel.review.pictures import Subject
from backlabel.storage.rows import Verdict
from backlabel.workers import crew

MOST_PICTURES = 200  # of ambiguous pairs: a file that nobody can open helps nobody
_LOWEST, _SPREAD, _NEAR = 8, 12, 8
_SIDE = 260  # pixels
_QUALITY = 80  # of the pictures in the report
_HANDED_OVER = 4  # pairs at once to a worker


@dataclass(frozen=True)
class Group:
    """Pairs that are shown under one heading, and how many there are in all."""

    name: str
    pairs: Sequence[Pair]
    total: int


def groups(pairs: Sequence[Pair]) -> list[Group]:
    """Ambiguous ones, what just failed, and of the matched ones the lowest and some by score."""
    ambiguous = [pair for pair in pairs if pair.row.verdict is Verdict.AMBIGUOUS]
    matched = _by_slack([pair for pair in pairs if pair.row.verdict is Verdict.MATCHED])
    failed = [
        pair for pair in pairs if pair.row.verdict not in (Verdict.MATCHED, Verdict.AMBIGUOUS)
    ]
    near = _by_slack(failed)[::-1]
    rest = matched[_LOWEST:]
    step = max(1, len(rest) // _SPREAD)
    found = [
        Group("Ambiguous", ambiguous[:MOST_PICTURES], len(ambiguous)),
        Group("Failed most narrowly", near[:_NEAR], len(near)),
        Group("Matched most narrowly", matched[:_LOWEST], len(matched)),
        Group("Matched, from narrow to sure", rest[::step][:_SPREAD], len(matched)),
    ]
    return [group for group in found if group.pairs]


def _by_slack(pairs: Sequence[Pair]) -> list[Pair]:
    """The least first, without those of which nothing was measured."""
    known = [pair for pair in pairs if pair.slack is not None]
    return sorted(known, key=lambda pair: (pair.slack or 0.0, pair.row.TIFF_path))


@dataclass(frozen=True)
class Bounds:
    """Limits for one pair, and the number of processes."""

    limits: images.Limits
    max_seconds: float
    max_memory_mib: int
    workers: int


def drawn(subjects: Sequence[Subject], bounds: Bounds) -> list[tuple[str, ...] | str]:
    """For each pair its pictures, as addresses that hold the bytes, or why there are none."""
    results = crew.map_files(
        partial(_jpegs, limits=bounds.limits),
        subjects,
        workers=max(1, min(bounds.workers, len(subjects) // _HANDED_OVER)),
        max_seconds=bounds.max_seconds,
        max_memory_mib=bounds.max_memory_mib,
        what="pictures",
        chunk=_HANDED_OVER,
    )
    return [
        str(result)
        if isinstance(result, UnreadableImageError)
        else tuple(f"data:image/jpeg;base64,{base64.b64encode(one).decode()}" for one in result)
        for _, result in results
    ]


def _jpegs(subject: Subject, limits: images.Limits) -> list[bytes]:
    if subject.jpeg is None:
        shown = [pictures.read(subject.tiff, subject.tiff_sha256, limits)]
    else:
        shown = list(pictures.registered(subject, limits))
    shape = pictures.fitting(shown[0].shape, _SIDE)
    return [encoding.jpeg(pictures.at(one, shape), _QUALITY) for one in shown]
