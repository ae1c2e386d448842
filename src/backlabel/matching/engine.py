"""From hash tables to a decision for each TIFF: search, score, search by variants, decide, assign.

Images are opened in worker processes alone, which also search where there is much to search; this
process decides, and hands pixels to a GPU where it has one. Where all evidence is kept from an
earlier run, nothing is opened and what reads and scores images is not even imported.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.matching import assign, measuring, pairs, search, variants
from backlabel.matching.collected import Collected
from backlabel.matching.decide import Decision, Rule, decide
from backlabel.matching.evidence import Evidence, NearPair
from backlabel.matching.kept import Kept
from backlabel.matching.measuring import Measuring
from backlabel.matching.near_pairs import Nearest, Queries, Query, near_pairs
from backlabel.matching.settings import Settings
from backlabel.matching.variants import Variant
from backlabel.storage import columns
from backlabel.storage.rows import JpegHash, TiffHash
from backlabel.workers.progress import counted

if TYPE_CHECKING:
    from backlabel.matching.index import MultiHash

_IDENTITY = Variant("identity")
_NO_CHANGE = {_IDENTITY.source, variants.PART}  # parts have a search of their own
_TOGETHER = 2000
"""TIFFs whose neighbours are in memory, half a kilobyte each; with an index one of its blocks."""
_VARIED_TOGETHER = 8000
"""TIFFs whose variants are in memory, 30 kB each; so many fill a block of the index."""
_RECALL_SAMPLE = 1000  # TIFFs; exact search of more would undo what the index saves


@dataclass(frozen=True)
class Outcome:
    """What was found, one entry a TIFF, in the order of the `tiffs`."""

    tiffs: Sequence[TiffHash]
    settings: Settings
    evidence: Collected
    index_recall: dict[str, float]
    """Share of the exactly nearest JPEGs that an index finds too, by hash; empty without one."""

    def alone(self, tiff: int) -> Decision | None:
        """The decision by a TIFF's own candidates; None where it could not be read."""
        return _alone(self.evidence[tiff], self.settings)

    def decision(self, tiff: int) -> Decision | None:
        """The same, as other TIFFs leave it."""
        return self._contested.get(tiff) or self.alone(tiff)

    @cached_property
    def _contested(self) -> dict[int, Decision]:
        """The decisions on TIFFs that share a JPEG, or a file, with another; so these are few."""
        numbers, decided = [], []
        for i in sorted({*self._of_shared_jpegs(), *self._of_shared_files()}):
            if (decision := self.alone(i)) is not None:
                numbers.append(i)
                decided.append(decision)
        paths, digests, pages = (
            [*columns.values(columns.taken(self.tiffs, numbers), name)]
            for name in ("path", "sha256", "page")
        )
        rule = self.settings.rule
        if rule is Rule.COMBINED:
            identical = [*zip(digests, pages, strict=True)]
            decided = assign.one_to_one(decided, identical, self.settings.limits, rule, digests)
        decided = assign.one_label(decided, [*zip(paths, pages, strict=True)])
        return dict(zip(numbers, decided, strict=True))

    def _of_shared_jpegs(self) -> list[int]:
        """The TIFFs of which an acceptable JPEG is acceptable to another one, too."""
        decided = ((i, self.alone(i)) for i in range(len(self.evidence)))
        claims = ((i, one.row) for i, own in decided if own for one in own.acceptable)
        tiffs, rows = np.fromiter(claims, np.dtype((np.int64, 2))).T
        _, which, counts = np.unique(rows, return_inverse=True, return_counts=True)
        shared: list[int] = tiffs[counts[which] > 1].tolist()
        return shared

    def _of_shared_files(self) -> Iterator[int]:
        """The TIFFs that are pictures of one file with others."""
        pictures = zip(
            *(columns.values(self.tiffs, name) for name in ("path", "page")), strict=True
        )
        several = {path for path, page in pictures if page > 1}
        return (i for i, path in enumerate(columns.values(self.tiffs, "path")) if path in several)


def match(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    settings: Settings,
    kept: Kept | None = None,
) -> Outcome:
    """Decide on each TIFF. `jpegs` are those that `settings.compares`.

    Under the combined rule a JPEG is given to one TIFF at most. Evidence in `kept` is taken from
    there, and new evidence is added to it. It is of the nearest JPEG and of those below
    `Limits.furthest`.
    """
    with measuring.workers(settings) as crew:
        matching = _Matching(tiffs, jpegs, settings, Measuring(settings, crew, kept))
        return Outcome(tiffs, settings, matching.evidence(), matching.index_recall())


def _alone(evidence: Evidence, settings: Settings) -> Decision | None:
    """As `Outcome.alone`."""
    if isinstance(evidence, UnreadableImageError):
        return None
    return decide(evidence, settings.limits, settings.rule)


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

    def evidence(self) -> Collected:
        """Of each TIFF the candidates with their scores, or why there are none."""
        found = Collected(self._of_whole_images())
        sources = [name for name in self._settings.variants if name not in _NO_CHANGE]
        if not sources:
            return found
        missed = array("q")
        asked = map(self._settings.trusts, columns.values(self._tiffs, "information"))
        for i, (is_asked, known) in enumerate(zip(asked, found, strict=True)):
            decision = _alone(known, self._settings) if is_asked else None
            if decision is not None and not decision.acceptable:
                missed.append(i)
        for block, some in enumerate(columns.in_blocks(missed, _VARIED_TOGETHER)):
            for i, more in zip(some, self._by_variants(some, sources, block), strict=True):
                found.put(i, _joined(found[i], more))
        return found

    def _of_whole_images(self) -> Iterator[Evidence]:
        """The same by the TIFFs as they are."""
        if self._index is None:
            every = itertools.chain.from_iterable(near for _, near in self._in_blocks(_TOGETHER))
            yield from counted(self._scored(self._tiffs, every), self._tiffs, "compare")
            return
        for tiffs, near in self._in_blocks(self._index.block_rows):
            found = [*near]  # the crew does one thing after the other: it searches, or it scores
            yield from counted(self._scored(tiffs, found), tiffs, "compare")

    def _in_blocks(
        self, size: int
    ) -> Iterator[tuple[Sequence[TiffHash], Iterator[list[NearPair]]]]:
        """So many TIFFs at a time, and what is near each."""
        for block, some in enumerate(columns.in_blocks(range(len(self._tiffs)), size)):
            tiffs = columns.taken(self._tiffs, some)
            yield tiffs, self._near(self._as_they_are(tiffs), block)

    def _by_variants(
        self, missed: Sequence[int], sources: Sequence[str], block: int
    ) -> Iterator[Evidence]:
        """What variants of the TIFFs that are `missed` find, or why they cannot be made."""
        tiffs = columns.taken(self._tiffs, missed)
        changed = self._variants(tiffs, sources)
        readable = [[] if isinstance(own, UnreadableImageError) else own for own in changed]
        near = [*self._near(Queries.of(readable), f"of variants {block}")]
        found = counted(self._scored(tiffs, near), tiffs, "compare variants")
        for own, known in zip(changed, found, strict=True):
            yield own if isinstance(own, UnreadableImageError) else known

    def index_recall(self) -> dict[str, float]:
        """As `Outcome.index_recall`."""
        if self._index is None:
            return {}
        said = columns.values(self._tiffs, "information")
        asked = [i for i, information in enumerate(said) if self._settings.trusts(information)]
        tiffs = columns.taken(self._tiffs, asked)
        indexes = {
            "standardised": (self._index, "phash"),
            "grey": (self._index_grey, "phash_grey"),
        }
        bits = self._settings.limits.hamming_threshold
        return {
            name: index.recall(
                columns.packed(tiffs, column), max_bits=bits, sample=_RECALL_SAMPLE
            ).share
            for name, (index, column) in indexes.items()
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

    def _near(self, queries: Queries, block: object) -> Iterator[list[NearPair]]:
        return near_pairs(
            queries,
            self._standardised,
            self._grey,
            k=self._settings.top_k,
            below=self._settings.limits.furthest,
            nearest=self._nearest(self._index, f"standardised {block}"),
            nearest_grey=self._nearest(self._index_grey, f"grey {block}"),
        )

    def _as_they_are(self, tiffs: Sequence[TiffHash]) -> Queries:
        said = columns.values(tiffs, "information")
        trusted = np.flatnonzero([*map(self._settings.trusts, said)])
        hashes = (columns.packed(tiffs, name)[trusted] for name in ("phash", "phash_grey"))
        return Queries(len(tiffs), trusted, [_IDENTITY] * len(trusted), *hashes)

    def _nearest(self, index: MultiHash | None, hashes: str) -> Nearest:
        if self._settings.engine == "reference":
            return search.nearest_reference
        if index is None:
            return partial(self._images.nearest, hashes)
        known = index
        return lambda query, _, k: known.nearest(query, k=k)

    def _variants(
        self, tiffs: Sequence[TiffHash], sources: Sequence[str]
    ) -> list[list[Query] | UnreadableImageError]:
        """The variants of each TIFF."""
        wanted = {
            i: variants.expand(sources, (tiff.height, tiff.width), self._shapes)
            for i, tiff in enumerate(tiffs)
        }
        found = dict(self._images.hashes(wanted, tiffs))
        return [found[i] for i in wanted]

    @cached_property
    def _shapes(self) -> list[tuple[int, int]]:
        """Of the JPEGs."""
        sides = (columns.values(self._jpegs, name) for name in ("height", "width"))
        return sorted({*zip(*sides, strict=True)})

    def _scored(
        self, tiffs: Sequence[TiffHash], near: Iterable[Sequence[NearPair]]
    ) -> Iterator[Evidence]:
        limit = self._settings.limits.ssim_hamming_threshold
        return pairs.scored(tiffs, self._jpegs, near, limit, self._images)


def _joined(one: Evidence, other: Evidence) -> Evidence:
    if isinstance(one, UnreadableImageError):
        return one
    return other if isinstance(other, UnreadableImageError) else [*one, *other]
