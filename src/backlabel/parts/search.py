"""The parts of TIFFs that are in JPEGs: features, an index, votes, registration."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.parts.features import Descriptors, Features, inverted, mirrored
from backlabel.parts.finder import Finder, Task
from backlabel.parts.index import Index
from backlabel.parts.kept import Found, KeptParts, Plan
from backlabel.parts.pictures import Numbers, Pairs, Pictures, as_pairs
from backlabel.storage import columns
from backlabel.storage.scratch import Shelf
from backlabel.workers.crew import Crew

_MOST = 8  # JPEGs that are tried for a TIFF, of those that its features speak for
_LEAST_VOTES = 3
_ASKING = 250  # features of a TIFF that vote; twice as many find no more
_ASKING_CHANGED = 150  # likewise, each time that it is mirrored, inverted or both
_TOGETHER = 400  # TIFFs that ask the index at once: 100,000 descriptors
_KEPT_TOGETHER = 64  # pictures whose features are in memory; pairs whose parts a kill may lose
_CHUNK = 4  # pairs: most take 5 ms, those that are scored 200


class Search:
    """Its index is below `folder`, which is the caller's to delete."""

    def __init__(self, finder: Finder, workers: Crew, kept: KeptParts, folder: Path) -> None:
        self._finder, self._workers, self._kept, self._folder = finder, workers, kept, folder
        self._tiffs, self._jpegs = _Spool(kept.tiffs), _Spool(kept.jpegs)

    def plan(self, near: Pairs) -> Plan:
        """The pairs that features speak for, and those that are `near` by their hashes."""
        for spool in (self._tiffs, self._jpegs):
            self._need(spool, np.arange(len(spool.pictures)))
        index = Index(self._folder)
        jpegs = np.flatnonzero(self._jpegs.is_here)
        index.fill((jpeg, self._jpegs.descriptors(jpeg)) for jpeg in map(int, jpegs))
        pairs = [self._readable(near)]
        tiffs = np.flatnonzero(self._tiffs.is_here)
        for block in columns.in_blocks(range(len(tiffs)), _TOGETHER):
            some = tiffs[block]
            voted = _voted(index, [self._tiffs.descriptors(tiff) for tiff in some])
            own = ((tiff, jpeg) for tiff, rows in zip(some, voted, strict=True) for jpeg in rows)
            pairs.append(as_pairs(own))
        features = int(self._tiffs.counts.sum() + self._jpegs.counts.sum())
        return Plan(np.unique(np.concatenate(pairs), axis=0), features)

    def found(self, pairs: Pairs) -> Iterator[tuple[int, int, Found]]:
        """The pairs that share a part, with it. A file that cannot be read shares none."""
        for spool, numbers in zip((self._tiffs, self._jpegs), pairs.T, strict=True):
            self._need(spool, np.unique(numbers).astype(np.int64))
        known = self._readable(pairs)
        results = self._workers.map(
            self._finder.part, itertools.starmap(self._task, known), what="parts", chunk=_CHUNK
        )
        waiting: list[tuple[int, int, Found | None]] = []
        for (tiff, jpeg), (_, result) in zip(known, results, strict=True):
            if isinstance(result, UnreadableImageError):
                continue
            waiting.append((tiff, jpeg, result))
            if len(waiting) == _KEPT_TOGETHER:
                self._kept.keep_found(waiting)
                waiting = []
            if result is not None:
                yield int(tiff), int(jpeg), result
        self._kept.keep_found(waiting)

    def _readable(self, pairs: Pairs) -> Pairs:
        """Those of `pairs` of which both could be read."""
        tiffs, jpegs = pairs.T
        found: Pairs = pairs[self._tiffs.is_here[tiffs] & self._jpegs.is_here[jpegs]]
        return found

    def _task(self, tiff: int, jpeg: int) -> Task:
        ours, theirs = self._tiffs, self._jpegs
        rows = ours.pictures.rows[tiff], theirs.pictures.rows[jpeg]
        return Task(*rows, ours.raw[int(tiff)], theirs.raw[int(jpeg)])

    def _need(self, spool: _Spool, numbers: Numbers) -> None:
        """Bring the features of pictures into the spool, but for those that cannot be read."""
        pictures = spool.pictures
        missing = numbers[~spool.is_here[numbers]]
        for block in columns.in_blocks(range(len(missing)), _KEPT_TOGETHER):
            some = missing[block]
            kept = self._kept.features(map(pictures.content, some))
            for number, known in zip(some, kept, strict=True):
                if known is not None:
                    spool.put(number, known)
        missing = missing[~spool.is_here[missing]]
        if not len(missing):
            return  # without an empty bar
        rows = columns.taken(pictures.rows, missing)
        results = self._workers.map(self._finder.features, rows, what="features")
        for number, (_, result) in zip(missing, results, strict=True):
            if not isinstance(result, UnreadableImageError):
                spool.put(number, result)
                self._kept.keep_features(pictures.content(number), result)


class _Spool:
    """Encoded features of pictures, on the disk."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures, self.raw = pictures, Shelf()
        self.is_here = np.zeros(len(pictures), np.bool_)
        self.counts = np.zeros(len(pictures), np.int32)
        """Features of each picture."""

    def put(self, number: int, raw: bytes) -> None:
        """Add the features of a picture."""
        self.raw[number], self.is_here[number] = raw, True
        self.counts[number] = Features.count(len(raw))

    def descriptors(self, number: int) -> Descriptors:
        """Of the features that were put."""
        return Features.decoded(self.raw[number]).descriptors


def _voted(index: Index, tiffs: Sequence[Descriptors]) -> list[list[int]]:
    """For each TIFF the JPEGs that its descriptors speak for most, in one of four ways."""
    some = [own[:_ASKING_CHANGED] for own in tiffs]
    negative = [inverted(own) for own in some]
    most: list[dict[int, int]] = [{} for _ in tiffs]
    for queries in (
        [own[:_ASKING] for own in tiffs],
        [mirrored(own) for own in some],
        negative,
        [mirrored(own) for own in negative],
    ):
        votes = index.votes(queries, most=_MOST, least=_LEAST_VOTES)
        for known, own in zip(most, votes, strict=True):
            for jpeg, count in own:
                known[jpeg] = max(count, known.get(jpeg, 0))
    return [sorted(known, key=lambda jpeg: (-known[jpeg], jpeg))[:_MOST] for known in most]
