"""From hash tables to a decision for each TIFF: search, score, search by variants, decide, assign.

Images are opened in worker processes alone, which also search where there is much to search; this
process decides, and hands pixels to a GPU where it has one. Where all evidence is kept from an
earlier run, nothing is opened and what reads and scores images is not even imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.hashing.bits import from_hexes
from backlabel.matching import assign, measuring, search, variants
from backlabel.matching.decide import Decision, Rule, decide
from backlabel.matching.evidence import Candidate, NearPair, Pair, Scores
from backlabel.matching.kept import Kept
from backlabel.matching.measuring import Measuring, Scored
from backlabel.matching.near_pairs import Nearest, Query, near_pairs
from backlabel.matching.settings import Settings
from backlabel.matching.variants import Variant
from backlabel.storage import columns
from backlabel.storage.rows import JpegHash, TiffHash

if TYPE_CHECKING:
    from backlabel.matching.index import MultiHash

_IDENTITY = Variant("identity")
_NO_CHANGE = {_IDENTITY.source, variants.PART}  # parts have a search of their own
_RECALL_SAMPLE = 1000  # TIFFs; exact search of more would undo what the index saves

Evidence: TypeAlias = list[Candidate] | UnreadableImageError
"""The candidates of a TIFF, or why it could not be read."""


@dataclass(frozen=True)
class Outcome:
    """What was found, one entry a TIFF, in the order of the TIFFs."""

    evidence: list[Evidence]
    decisions: list[Decision | None]
    """None where the TIFF could not be read."""
    index_recall: dict[str, float]
    """Share of the exactly nearest JPEGs that an index finds too, by hash; empty without one."""


def match(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    settings: Settings,
    kept: Kept | None = None,
) -> Outcome:
    """Decide on each TIFF. `jpegs` are those that `settings.compares`.

    Under the combined rule a JPEG is given to one TIFF at most. Evidence in `kept` is taken from
    there, and new evidence is added to it.
    """
    with measuring.workers(settings) as crew:
        matching = _Matching(tiffs, jpegs, settings, Measuring(settings, crew, kept))
        evidence, recall = matching.evidence(), matching.index_recall()
    return Outcome(evidence, decisions(tiffs, evidence, settings), recall)


def decisions(
    tiffs: Sequence[TiffHash], evidence: Sequence[Evidence], settings: Settings
) -> list[Decision | None]:
    """The decision on each TIFF by its candidates; None where it could not be read."""
    readable = [
        (i, known)
        for i, known in enumerate(evidence)
        if not isinstance(known, UnreadableImageError)
    ]
    decided = [decide(known, settings.limits, settings.rule) for _, known in readable]
    if settings.rule is Rule.COMBINED:
        digests = [(tiffs[i].sha256, tiffs[i].page) for i, _ in readable]
        files = [tiffs[i].sha256 for i, _ in readable]
        decided = assign.one_to_one(decided, digests, settings.limits, settings.rule, files)
    decided = assign.one_label(decided, [tiffs[i].key for i, _ in readable])
    found: list[Decision | None] = [None] * len(evidence)
    for (i, _), decision in zip(readable, decided, strict=True):
        found[i] = decision
    return found


class _Matching:
    """The candidates of every TIFF: first as it is, then, where that fails, its variants."""

    def __init__(
        self,
        tiffs: Sequence[TiffHash],
        jpegs: Sequence[JpegHash],
        settings: Settings,
        images: Measuring,
    ) -> None:
        self._tiffs, self._jpegs, self._settings, self._images = tiffs, jpegs, settings, images
        self._standardised = columns.packed(jpegs, "phash")
        self._grey = columns.packed(jpegs, "phash_grey") if settings.both_hashes else None
        self._index, self._index_grey = self._indexed(self._standardised), self._indexed(self._grey)

    def evidence(self) -> list[Evidence]:
        """The candidates of each TIFF with their scores, or why it could not be read."""
        found = self._scored(self._near([self._as_it_is(tiff) for tiff in self._tiffs]))
        sources = [name for name in self._settings.variants if name not in _NO_CHANGE]
        missed = [i for i, known in enumerate(found) if self._is_missed(self._tiffs[i], known)]
        if not sources or not missed:
            return found
        queries = self._variants(missed, sources)
        readable = [[] if isinstance(own, UnreadableImageError) else own for own in queries]
        changed = self._scored(self._near(readable))
        return [
            own if isinstance(own, UnreadableImageError) else _joined(one, other)
            for own, one, other in zip(queries, found, changed, strict=True)
        ]

    def index_recall(self) -> dict[str, float]:
        """As `Outcome.index_recall`."""
        tiffs = [tiff for tiff in self._tiffs if self._settings.compares(tiff)]
        asked = {
            "standardised": (self._index, [tiff.phash for tiff in tiffs]),
            "grey": (self._index_grey, [tiff.phash_grey for tiff in tiffs]),
        }
        bits = self._settings.limits.hamming_threshold
        return {
            name: index.recall(from_hexes(hashes), max_bits=bits, sample=_RECALL_SAMPLE).share
            for name, (index, hashes) in asked.items()
            if index is not None
        }

    def _indexed(self, base: NDArray[np.uint8] | None) -> MultiHash | None:
        if base is None or len(base) < self._settings.index_from:
            return None
        if self._settings.engine == "reference":
            return None
        from backlabel.matching.index import MultiHash  # noqa: PLC0415 - few runs need it

        alone = self._settings.index_from**2
        return MultiHash(base, crew=self._images.crew, alone=alone)

    def _near(self, queries: Sequence[Sequence[Query]]) -> list[list[NearPair]]:
        return near_pairs(
            queries,
            self._standardised,
            self._grey,
            k=self._settings.top_k,
            nearest=self._nearest(self._index, "standardised"),
            nearest_grey=self._nearest(self._index_grey, "grey"),
        )

    def _as_it_is(self, tiff: TiffHash) -> list[Query]:
        if not self._settings.compares(tiff):
            return []
        standardised, grey = from_hexes([tiff.phash, tiff.phash_grey])
        return [(_IDENTITY, standardised, grey)]

    def _nearest(self, index: MultiHash | None, hashes: str) -> Nearest:
        if self._settings.engine == "reference":
            return search.nearest_reference
        if index is None:
            return partial(self._images.nearest, hashes)
        known = index
        return lambda query, _, k: known.nearest(query, k=k)

    def _is_missed(self, tiff: TiffHash, known: Evidence) -> bool:
        if not self._settings.compares(tiff) or isinstance(known, UnreadableImageError):
            return False
        return not decide(known, self._settings.limits, self._settings.rule).acceptable

    def _variants(
        self, missed: Sequence[int], sources: Sequence[str]
    ) -> list[list[Query] | UnreadableImageError]:
        """The variants of the TIFFs that are `missed`; none of the others."""
        sides = (columns.values(self._jpegs, name) for name in ("height", "width"))
        shapes = sorted({*zip(*sides, strict=True)})
        wanted = {
            i: variants.expand(sources, (tiff.height, tiff.width), shapes)
            for i, tiff in ((i, self._tiffs[i]) for i in missed)
        }
        queries: list[list[Query] | UnreadableImageError] = [[] for _ in self._tiffs]
        for i, result in self._images.hashes(wanted, self._tiffs):
            queries[i] = result
        return queries

    def _scored(self, found: list[list[NearPair]]) -> list[Evidence]:
        """`found` with the scores of those below the threshold for scores."""
        limit = self._settings.limits.ssim_hamming_threshold
        close = [(i, pair) for i, own in enumerate(found) for pair in own if pair.distance < limit]
        pairs = [self._pair(self._tiffs[i], pair) for i, pair in close]
        results = iter(self._images.scores(pairs))
        return [
            self._evidence(
                tiff, [(pair, next(results) if pair.distance < limit else None) for pair in own]
            )
            for tiff, own in zip(self._tiffs, found, strict=True)
        ]

    def _pair(self, tiff: TiffHash, near: NearPair) -> Pair:
        path, sha256 = (columns.value(self._jpegs, near.row, name) for name in ("path", "sha256"))
        return Pair(tiff.path, path, near.variant, tiff.sha256, sha256, tiff.page)

    def _evidence(
        self, tiff: TiffHash, scored: Sequence[tuple[NearPair, Scored | None]]
    ) -> Evidence:
        """A TIFF is unreadable if none of its pairs could be scored for its sake."""
        own = {None, str(Path(tiff.path))}  # else it is the JPEG that cannot be read
        errors = [
            scores
            for _, scores in scored
            if isinstance(scores, UnreadableImageError) and scores.path in own
        ]
        if errors and not any(isinstance(scores, Scores) for _, scores in scored):
            return errors[0]
        return [
            Candidate(
                pair=pair,
                scores=scores if isinstance(scores, Scores) else None,
                label=columns.value(self._jpegs, pair.row, "label"),
            )
            for pair, scores in scored
        ]


def _joined(one: Evidence, other: Evidence) -> Evidence:
    if isinstance(one, UnreadableImageError):
        return one
    return other if isinstance(other, UnreadableImageError) else [*one, *other]
