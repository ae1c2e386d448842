"""Looks for parts where whole images left TIFFs and JPEGs over; where they did not, costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from backlabel.errors import UnreadableImageError
from backlabel.kernels.compiled import compile_all
from backlabel.matching import engine
from backlabel.matching.engine import Evidence, Outcome, Settings
from backlabel.matching.evidence import Candidate, NearPair, Placement, Scores
from backlabel.matching.variants import PART
from backlabel.storage.rows import JpegHash, TiffHash, Verdict
from backlabel.storage.store import Store
from backlabel.workers.pool import Workers, cores

_IMAGES_OF_A_PAIR = 6  # times `max_seconds`: two are read, registered, and rendered several times


def complete(
    outcome: Outcome,
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    settings: Settings,
    folder: Path,
) -> tuple[Outcome, dict[str, int]]:
    """`outcome` with the parts that are found among what it left over, and what that took.

    Left over are TIFFs without an acceptable JPEG and JPEGs that no TIFF was matched to. `folder`
    keeps what was found. Parts are looked for if `settings.variants` names them.
    """
    if PART not in settings.variants:
        return outcome, {}
    ours = [
        i
        for i, decision in enumerate(outcome.decisions)
        if decision is not None and not decision.acceptable and not tiffs[i].information
    ]
    given = {
        decision.chosen.row
        for decision in outcome.decisions
        if decision and decision.chosen and decision.verdict is Verdict.MATCHED
    }
    theirs = [row for row in range(len(jpegs)) if row not in given]
    if not ours or not theirs:
        return outcome, {}
    found, effort = _searched(ours, theirs, outcome.evidence, (tiffs, jpegs), settings, folder)
    evidence = list(outcome.evidence)
    for (i, row), (placement, scores) in found.items():
        known = evidence[i]
        assert not isinstance(known, UnreadableImageError)
        pair = _near_pair(tiffs[i], jpegs[row], row, placement, settings)
        evidence[i] = [*known, Candidate(pair, scores, jpegs[row].label)]
    decisions = engine.decisions(tiffs, evidence, settings)
    return replace(outcome, evidence=evidence, decisions=decisions), effort


def _searched(
    ours: Sequence[int],
    theirs: Sequence[int],
    evidence: Sequence[Evidence],
    tables: tuple[Sequence[TiffHash], Sequence[JpegHash]],
    settings: Settings,
    folder: Path,
) -> tuple[dict[tuple[int, int], tuple[Placement, Scores]], dict[str, int]]:
    from backlabel.parts.finder import File, Finder  # noqa: PLC0415 - OpenCV is slow to import
    from backlabel.parts.search import Search  # noqa: PLC0415 - as above

    finder = Finder(settings.read_limits, settings.engine, Store(folder / "parts.sqlite"))
    tiffs = {i: File(tables[0][i].path, tables[0][i].sha256) for i in ours}
    jpegs = {row: File(tables[1][row].path, tables[1][row].sha256) for row in theirs}
    near = {i: _near(evidence[i], settings) for i in ours}
    with Workers(
        cores(),
        max_seconds=_IMAGES_OF_A_PAIR * settings.max_seconds,
        max_memory_mib=settings.max_memory_mib,
        prepare=compile_all if settings.engine == "fast" else None,
    ) as workers:
        found, effort = Search(finder, workers, folder).parts(tiffs, jpegs, near)
    return {pair: (one.placement, one.scores) for pair, one in found.items()}, asdict(effort)


def _near(known: Evidence, settings: Settings) -> list[int]:
    """The JPEGs that hashes say are near, and that scores of the whole images refused."""
    if isinstance(known, UnreadableImageError):
        return []
    limit = settings.limits.hamming_threshold
    return [one.row for one in known if one.distance < limit]


def _near_pair(
    tiff: TiffHash, jpeg: JpegHash, row: int, placement: Placement, settings: Settings
) -> NearPair:
    def bits(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    grey = bits(tiff.phash_grey, jpeg.phash_grey) if settings.both_hashes else None
    return NearPair(row, bits(tiff.phash, jpeg.phash), grey, PART, placement)
