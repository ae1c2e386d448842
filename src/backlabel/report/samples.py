"""Which pairs a report shows, and their pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.review import subject as of_pairs
from backlabel.review.desk import Pair
from backlabel.review.subject import Subject
from backlabel.storage.rows import Verdict
from backlabel.workers import crew

MOST_PICTURES, _MOST_LINES = 200, 10_000
"""Of ambiguous pairs: a file that nobody can open helps nobody."""
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
    lines: Sequence[Pair] = ()
    """Further pairs, of which no picture is shown."""


def groups(pairs: Sequence[Pair]) -> list[Group]:
    """Ambiguous ones, what just failed, and of the matched ones the lowest and some by score.

    Which ones these some are goes by their files: other thresholds show the same ones again.
    """
    ambiguous = [pair for pair in pairs if pair.row.verdict is Verdict.AMBIGUOUS]
    matched = _by_slack([pair for pair in pairs if pair.row.verdict is Verdict.MATCHED])
    failed = [
        pair for pair in pairs if pair.row.verdict not in (Verdict.MATCHED, Verdict.AMBIGUOUS)
    ]
    near = _by_slack(failed)[::-1]
    rest = sorted(matched[_LOWEST:], key=lambda pair: pair.id)[:_SPREAD]
    found = [
        Group(
            "Ambiguous",
            ambiguous[:MOST_PICTURES],
            len(ambiguous),
            ambiguous[MOST_PICTURES:_MOST_LINES],
        ),
        Group("Failed most narrowly", near[:_NEAR], len(near)),
        Group("Matched most narrowly", matched[:_LOWEST], len(matched)),
        Group("Matched, from narrow to sure", _by_slack(rest), len(matched)),
    ]
    return [group for group in found if group.pairs or group.lines]


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


Drawn = tuple[str, ...] | str
"""The pictures of a pair as addresses that hold the bytes, or why there are none."""


def drawn(subjects: Sequence[Subject], bounds: Bounds) -> list[Drawn]:
    """The pictures of each pair: those that are kept, and the others new."""
    folder = of_pairs.kept()
    names = [f"{one.key(_SIDE, _QUALITY, bounds.limits)}.txt" for one in subjects]
    known: dict[str, Drawn] = {
        name: tuple(text.decode().splitlines())
        for name in names
        if (text := folder.get(name)) is not None
    }
    missing = {name: one for name, one in zip(names, subjects, strict=True) if name not in known}
    drawn_now = _made([*missing.values()], bounds) if missing else []
    for name, made in zip(missing, drawn_now, strict=True):
        known[name] = made
        if not isinstance(made, str):
            folder.put(name, "\n".join(made).encode())
    return [known[name] for name in names]


def _made(subjects: Sequence[Subject], bounds: Bounds) -> Iterator[Drawn]:
    results = crew.map_files(
        partial(_jpegs, limits=bounds.limits),
        subjects,
        workers=max(1, min(bounds.workers, len(subjects) // _HANDED_OVER)),
        max_seconds=bounds.max_seconds,
        max_memory_mib=bounds.max_memory_mib,
        what="pictures",
        chunk=_HANDED_OVER,
    )
    for _, result in results:
        if isinstance(result, UnreadableImageError):
            yield str(result)
        else:
            encoded = (base64.b64encode(one).decode() for one in result)
            yield tuple(f"data:image/jpeg;base64,{text}" for text in encoded)


def _jpegs(subject: Subject, limits: images.Limits) -> list[bytes]:
    from backlabel.images import encoding  # noqa: PLC0415 - only workers read images
    from backlabel.review import pictures  # noqa: PLC0415 - as above

    if subject.jpeg is None:
        shown = [pictures.read(subject.tiff, subject.tiff_sha256, limits, subject.page)]
    else:
        shown = list(pictures.registered(subject, limits))
    shape = pictures.fitting(shown[0].shape, _SIDE)
    return [encoding.jpeg(pictures.at(one, shape), _QUALITY) for one in shown]
