"""Looks for parts where whole images left TIFFs and JPEGs over; elsewhere it costs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.matching import engine, measuring
from backlabel.matching.engine import Outcome
from backlabel.matching.evidence import Candidate, Evidence, NearPair, Placement
from backlabel.matching.kept import kept_for
from backlabel.matching.settings import Settings
from backlabel.matching.variants import PART
from backlabel.parts.kept import NOTHING, Digests, Found, KeptParts, Known, Plan, content, plan_key
from backlabel.storage import columns
from backlabel.storage.files import make_folder
from backlabel.storage.rows import JpegHash, TiffHash, Verdict

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
    ours, theirs = _left_over(outcome, tiffs, jpegs)
    if not ours or not theirs:
        return outcome, Effort()
    near = _near(outcome, ours, theirs, settings)
    plan, found = _looked_for(ours, theirs, near, settings, folder)
    evidence: dict[int, Evidence] = {}
    for i, tiff in ours.items():
        known = outcome.evidence[i]
        assert not isinstance(known, UnreadableImageError)
        parts = found.get(_content(tiff), {})
        evidence[i] = known + [
            Candidate(
                _near_pair(tiff, jpeg, row, part.placement, settings), part.scores, jpeg.label
            )
            for row, jpeg in theirs.items()
            if (part := parts.get(_content(jpeg))) is not None
        ]
    count = sum(len(parts) for parts in found.values())
    effort = Effort(len(ours), len(theirs), plan.features, len(plan.pairs), count)
    return replace(outcome, evidence=outcome.evidence.changed(evidence)), effort


def _left_over(
    outcome: Outcome, tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash]
) -> tuple[dict[int, TiffHash], dict[int, JpegHash]]:
    """The TIFFs without an acceptable JPEG, the JPEGs that were not given away; by number."""
    alone = map(outcome.alone, range(len(tiffs)))
    ours = {
        i: tiffs[i]
        for i, decision in enumerate(alone)
        if decision is not None and not decision.acceptable
    }
    if not ours:  # and no record is made of a JPEG
        return {}, {}
    given = {
        decision.chosen.row
        for decision in map(outcome.decision, range(len(tiffs)))
        if decision and decision.chosen and decision.verdict is Verdict.MATCHED
    }
    return ours, {row: jpeg for row, jpeg in enumerate(jpegs) if row not in given}


def _near(
    outcome: Outcome,
    ours: Mapping[int, TiffHash],
    theirs: Mapping[int, JpegHash],
    settings: Settings,
) -> list[Digests]:
    """The pairs that hashes say are near, and that the scores of whole images refused."""
    limit = settings.limits.hamming_threshold
    found: set[Digests] = set()
    for i, tiff in ours.items():
        known = outcome.evidence[i]
        assert not isinstance(known, UnreadableImageError)
        found |= {
            (_content(tiff), _content(theirs[one.row]))
            for one in known
            if one.distance < limit and one.row in theirs
        }
    return sorted(found)


def _looked_for(
    ours: Mapping[int, TiffHash],
    theirs: Mapping[int, JpegHash],
    near: Sequence[Digests],
    settings: Settings,
    folder: Path,
) -> tuple[Plan, dict[str, dict[str, Found]]]:
    """The pairs that were tried, and the parts by the `content` of both."""
    # The engine `reference` is there to check what is kept: it takes none and adds none.
    kept = None if settings.engine == "reference" else KeptParts(folder, settings)
    key = plan_key(map(_content, ours.values()), map(_content, theirs.values()), near)
    plan = kept.plan(key) if kept else None
    known = _known(plan, kept)
    if plan is None or None in known.values():
        from backlabel.parts.finder import File  # noqa: PLC0415 - OpenCV is slow to import

        tiffs, jpegs = (
            {_content(row): File(row.path, row.page, row.sha256) for row in rows.values()}
            for rows in (ours, theirs)
        )
        with _searching(settings, kept, folder) as search:
            if plan is None:
                plan = search.plan(tiffs, jpegs, near)
                known = _known(plan, kept)
                if kept:
                    kept.keep_plan(key, plan)
            new = [pair for pair, one in known.items() if one is None]
            known |= {pair: part or NOTHING for pair, part in search.found(new, tiffs, jpegs)}
    found: dict[str, dict[str, Found]] = {}
    for (tiff, jpeg), part in known.items():
        if isinstance(part, Found):
            found.setdefault(tiff, {})[jpeg] = part
    return plan, found


def _known(plan: Plan | None, kept: KeptParts | None) -> dict[Digests, Known]:
    if plan is None:
        return {}
    if kept is None:
        return dict.fromkeys(plan.pairs)
    return dict(zip(plan.pairs, kept.found(plan.pairs), strict=True))


@contextmanager
def _searching(settings: Settings, kept: KeptParts | None, folder: Path) -> Iterator[Search]:
    """A search with its workers and a folder for the time it takes."""
    from backlabel.parts.finder import Finder  # noqa: PLC0415 - OpenCV is slow to import
    from backlabel.parts.search import Search  # noqa: PLC0415 - as above

    make_folder(folder)
    finder = Finder(settings.read_limits, settings.engine)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="parts-") as name,
        measuring.workers(settings) as crew,
    ):
        search = Search(finder, crew, kept, Path(name))
        try:
            yield search
        finally:
            search.close()


def _content(row: TiffHash) -> str:
    return content(row.sha256, row.page)


def _near_pair(
    tiff: TiffHash, jpeg: JpegHash, row: int, placement: Placement, settings: Settings
) -> NearPair:
    def bits(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    grey = bits(tiff.phash_grey, jpeg.phash_grey) if settings.both_hashes else None
    return NearPair(row, bits(tiff.phash, jpeg.phash), grey, PART, placement)
