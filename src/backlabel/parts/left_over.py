"""Looks for parts where whole images left TIFFs and JPEGs over; elsewhere it costs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.matching import engine, measuring
from backlabel.matching.collected import Collected
from backlabel.matching.engine import Outcome
from backlabel.matching.evidence import Candidate, NearPair
from backlabel.matching.kept import kept_for
from backlabel.matching.settings import Settings
from backlabel.matching.variants import PART
from backlabel.parts.kept import Found, KeptParts
from backlabel.parts.pictures import Numbers, Pairs, Pictures, as_pairs
from backlabel.storage import columns
from backlabel.storage.files import make_folder
from backlabel.storage.rows import JpegHash, TiffHash, Verdict

_ASKED_TOGETHER = 1000  # pairs whose parts are looked up

if TYPE_CHECKING:
    from backlabel.parts.search import Search


@dataclass(frozen=True)
class Effort:
    """What the search for parts took: its cost grows with each of these."""

    tiffs: int = 0
    """Left over."""
    jpegs: int = 0
    """Left over."""
    features: int = 0
    """Of all of them."""
    pairs: int = 0
    """Tried, since features speak for them or hashes are near."""
    parts: int = 0
    """Pairs of which a place was found, and scored there."""


def ordered(jpegs: Sequence[JpegHash], settings: Settings) -> Sequence[JpegHash]:
    """`jpegs`, those last that have too little information to match anything as a whole."""
    last = [not settings.trusts(said) for said in columns.values(jpegs, "information")]
    return (
        columns.taken(jpegs, np.argsort(last, kind="stable").astype(np.int64))
        if any(last)
        else jpegs
    )


def match(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    settings: Settings,
    folder: Path,
) -> tuple[Outcome, Effort]:
    """Decide on each TIFF by whole images, then by parts of what they left over.

    `jpegs` are `ordered`; `folder` keeps what was found.
    """
    whole = sum(map(settings.trusts, columns.values(jpegs, "information")))
    kept = kept_for(settings, folder)
    outcome = engine.match(tiffs, jpegs[:whole], settings, kept)
    return complete(outcome, tiffs, jpegs, settings, folder)


def complete(
    outcome: Outcome,
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    settings: Settings,
    folder: Path,
) -> tuple[Outcome, Effort]:
    """`outcome` with the parts that are found among what it left over, and what that took.

    Left over are TIFFs without an acceptable JPEG and JPEGs that no TIFF was matched to; what has
    too little information for a hash may have features. `jpegs` begin with those of `outcome`.
    `folder` keeps what was found. Parts are looked for if `settings.variants` names them.
    """
    if PART not in settings.variants:
        return outcome, Effort()
    left = _left_over(outcome, tiffs, jpegs)
    if not all(map(len, left)):
        return outcome, Effort()
    ours, theirs = Pictures(tiffs, left[0]), Pictures(jpegs, left[1])
    near, kept = _near(outcome, ours, theirs), KeptParts(folder, settings, ours, theirs)
    evidence, count = Collected(outcome.evidence), 0
    with ExitStack() as stack:
        begun = cache(lambda: stack.enter_context(_searching(settings, kept, folder)))
        plan = kept.plan(near)
        if plan is None:
            plan = begun().plan(near)
            kept.keep_plan(near, plan)
        for tiff, jpeg, part in _found(begun, kept, plan.pairs):
            count += 1
            rows = theirs.rows_of(jpeg)
            for i in ours.rows_of(tiff):
                more = [_candidate(tiffs[i], jpegs[row], row, part, settings) for row in rows]
                evidence.put(i, sorted([*_known(evidence, i), *more], key=_whole_first))
    effort = Effort(len(left[0]), len(left[1]), plan.features, len(plan.pairs), count)
    return replace(outcome, evidence=evidence), effort


def _left_over(
    outcome: Outcome, tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash]
) -> tuple[Numbers, Numbers]:
    """The TIFFs without an acceptable JPEG, the JPEGs that were not given away; by number."""
    alone = map(outcome.alone, range(len(tiffs)))
    left = (own is not None and not own.acceptable for own in alone)
    is_ours = np.fromiter(left, np.bool_, len(tiffs))
    is_theirs = np.full(len(jpegs), fill_value=is_ours.any())
    if is_ours.any():
        for own in map(outcome.decision, range(len(tiffs))):
            if own and own.chosen and own.verdict is Verdict.MATCHED:
                is_theirs[own.chosen.row] = False
    return np.flatnonzero(is_ours), np.flatnonzero(is_theirs)


def _near(outcome: Outcome, ours: Pictures, theirs: Pictures) -> Pairs:
    """The pairs that hashes say are near, and that the scores of whole images refused."""
    limit = outcome.settings.limits.hamming_threshold
    near = (
        (number, theirs.of_row[one.row])
        for i, number in enumerate(ours.of_row)
        if number >= 0
        for one in _known(outcome.evidence, i)
        if one.distance < limit
    )
    pairs = as_pairs(near)
    return np.unique(pairs[pairs[:, 1] >= 0], axis=0)


def _known(evidence: Collected, tiff: int) -> list[Candidate]:
    """The candidates of one that is left over, and so was read."""
    known = evidence[tiff]
    assert not isinstance(known, UnreadableImageError)
    return known


def _whole_first(one: Candidate) -> int:
    """Whole images as they are, then parts by the row of the JPEG."""
    return -1 if one.pair.part is None else one.pair.row


def _found(
    begun: Callable[[], Search], kept: KeptParts, pairs: Pairs
) -> Iterator[tuple[int, int, Found]]:
    """Those of `pairs` that share a part, with it: first what is kept, then what a search finds."""
    new = [pairs[:0]]
    for block in columns.in_blocks(range(len(pairs)), _ASKED_TOGETHER):
        some = pairs[block]
        known = kept.found(some)
        new.append(some[[part is None for part in known]])
        for (tiff, jpeg), part in zip(some, known, strict=True):
            if isinstance(part, Found):
                yield int(tiff), int(jpeg), part
    rest = np.concatenate(new)
    if len(rest):
        yield from begun().found(rest)


@contextmanager
def _searching(settings: Settings, kept: KeptParts, folder: Path) -> Iterator[Search]:
    """A search with its workers and a folder for the time it takes."""
    from backlabel.parts.finder import Finder  # noqa: PLC0415 - OpenCV is slow to import
    from backlabel.parts.search import Search  # noqa: PLC0415 - as above

    make_folder(folder)
    finder = Finder(settings.read_limits, settings.engine)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="parts-") as name,
        measuring.workers(settings) as crew,
    ):
        yield Search(finder, crew, kept, Path(name))


def _candidate(
    tiff: TiffHash, jpeg: JpegHash, row: int, part: Found, settings: Settings
) -> Candidate:
    def bits(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    grey = bits(tiff.phash_grey, jpeg.phash_grey) if settings.both_hashes else None
    near = NearPair(row, bits(tiff.phash, jpeg.phash), grey, PART, part.placement)
    return Candidate(near, part.scores, jpeg.label)
