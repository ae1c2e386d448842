"""Looks for parts where whole images left TIFFs and JPEGs over; elsewhere it costs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.matching import engine, measuring
from backlabel.matching.engine import Outcome
from backlabel.matching.evidence import Candidate, Evidence, NearPair
from backlabel.matching.kept import kept_for
from backlabel.matching.settings import Settings
from backlabel.matching.variants import PART
from backlabel.parts.kept import NOTHING, Digests, Found, KeptParts, Known, Plan, content, plan_key
from backlabel.storage import columns
from backlabel.storage.files import make_folder
from backlabel.storage.rows import JpegHash, TiffHash, Verdict

Numbers: TypeAlias = NDArray[np.int64]
"""Of rows of a table, ascending."""
_FILE = ("path", "page", "sha256")

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
    if not len(ours) or not len(theirs):
        return outcome, Effort()
    some_tiffs, some_jpegs = columns.taken(tiffs, ours), columns.taken(jpegs, theirs)
    near = _near(outcome, ours, jpegs, theirs)
    plan, found = _looked_for(some_tiffs, some_jpegs, near, settings, folder)
    shown = {jpeg for parts in found.values() for jpeg in parts}
    rows: dict[str, list[int]] = {}
    for row, jpeg in zip(theirs.tolist(), _contents(some_jpegs), strict=True):
        if jpeg in shown:
            rows.setdefault(jpeg, []).append(row)
    evidence: dict[int, Evidence] = {}
    for i, tiff in zip(ours.tolist(), _contents(some_tiffs), strict=True):
        parts = {row: part for jpeg, part in found.get(tiff, {}).items() for row in rows[jpeg]}
        if parts:
            more = [
                _candidate(tiffs[i], jpegs[row], row, parts[row], settings) for row in sorted(parts)
            ]
            evidence[i] = [*_known(outcome, i), *more]
    count = sum(len(parts) for parts in found.values())
    effort = Effort(len(ours), len(theirs), plan.features, len(plan.pairs), count)
    return replace(outcome, evidence=outcome.evidence.changed(evidence)), effort


def _left_over(
    outcome: Outcome, tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash]
) -> tuple[Numbers, Numbers]:
    """The TIFFs without an acceptable JPEG, the JPEGs that were not given away; by number."""
    alone = map(outcome.alone, range(len(tiffs)))
    is_ours = [own is not None and not own.acceptable for own in alone]
    is_theirs = np.full(len(jpegs), fill_value=any(is_ours))
    if any(is_ours):
        for own in map(outcome.decision, range(len(tiffs))):
            if own and own.chosen and own.verdict is Verdict.MATCHED:
                is_theirs[own.chosen.row] = False
    return np.flatnonzero(is_ours), np.flatnonzero(is_theirs)


def _near(
    outcome: Outcome, ours: Numbers, jpegs: Sequence[JpegHash], theirs: Numbers
) -> list[Digests]:
    """The pairs that hashes say are near, and that the scores of whole images refused."""
    is_left = np.zeros(len(jpegs), np.bool_)
    is_left[theirs] = True
    limit = outcome.settings.limits.hamming_threshold
    found: set[Digests] = set()
    for i, tiff in zip(ours.tolist(), _contents(columns.taken(outcome.tiffs, ours)), strict=True):
        near = [one.row for one in _known(outcome, i) if one.distance < limit and is_left[one.row]]
        if near:
            found |= {(tiff, jpeg) for jpeg in _contents(columns.taken(jpegs, near))}
    return sorted(found)


def _known(outcome: Outcome, tiff: int) -> list[Candidate]:
    """The candidates of one that is left over, and so was read."""
    known = outcome.evidence[tiff]
    assert not isinstance(known, UnreadableImageError)
    return known


def _looked_for(
    ours: Sequence[TiffHash],
    theirs: Sequence[JpegHash],
    near: Sequence[Digests],
    settings: Settings,
    folder: Path,
) -> tuple[Plan, dict[str, dict[str, Found]]]:
    """The pairs that were tried, and the parts by the `content` of both."""
    # The engine `reference` is there to check what is kept: it takes none and adds none.
    kept = None if settings.engine == "reference" else KeptParts(folder, settings)
    key = plan_key(_contents(ours), _contents(theirs), near)
    plan = kept.plan(key) if kept else None
    known = _known_parts(plan, kept)
    if plan is None or None in known.values():
        from backlabel.parts.finder import File  # noqa: PLC0415 - OpenCV is slow to import

        tiffs, jpegs = (
            {one.content: one for one in map(File, *(columns.values(rows, name) for name in _FILE))}
            for rows in (ours, theirs)
        )
        with _searching(settings, kept, folder) as search:
            if plan is None:
                plan = search.plan(tiffs, jpegs, near)
                known = _known_parts(plan, kept)
                if kept:
                    kept.keep_plan(key, plan)
            new = [pair for pair, one in known.items() if one is None]
            known |= {pair: part or NOTHING for pair, part in search.found(new, tiffs, jpegs)}
    found: dict[str, dict[str, Found]] = {}
    for (tiff, jpeg), part in known.items():
        if isinstance(part, Found):
            found.setdefault(tiff, {})[jpeg] = part
    return plan, found


def _known_parts(plan: Plan | None, kept: KeptParts | None) -> dict[Digests, Known]:
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


def _contents(rows: Sequence[TiffHash]) -> Iterator[str]:
    return map(content, columns.values(rows, "sha256"), columns.values(rows, "page"))


def _candidate(
    tiff: TiffHash, jpeg: JpegHash, row: int, part: Found, settings: Settings
) -> Candidate:
    def bits(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    grey = bits(tiff.phash_grey, jpeg.phash_grey) if settings.both_hashes else None
    near = NearPair(row, bits(tiff.phash, jpeg.phash), grey, PART, part.placement)
    return Candidate(near, part.scores, jpeg.label)
