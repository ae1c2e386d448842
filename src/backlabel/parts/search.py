"""The parts of TIFFs among the JPEGs that are left over: an index, votes, registration, scores."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backlabel.errors import UnreadableImageError
from backlabel.parts.features import Descriptors, Features, mirrored
from backlabel.parts.finder import File, Finder, Found
from backlabel.parts.index import Index
from backlabel.storage.files import make_folder
from backlabel.workers.pool import Workers

Pairs = Mapping[int, Sequence[int]]
"""JPEGs by TIFF."""

_MOST = 8  # JPEGs that are tried for a TIFF, of those that its features speak for
_LEAST_VOTES = 3
_TOGETHER = 200  # TIFFs that ask the index at once: 100,000 descriptors, 60 MB as floats


@dataclass(frozen=True)
class Effort:
    """What the search for parts took: its cost grows with each of these."""

    tiffs: int
    """TIFFs that were left over."""
    jpegs: int
    """JPEGs that were left over."""
    features: int
    """Of both."""
    tried: int
    """Pairs that were compared by their features."""
    registered: int
    """Pairs of which a place was found and scored."""


class Search:
    """Features are kept in a file below `folder` while the search lasts, not in memory."""

    def __init__(self, finder: Finder, workers: Workers, folder: Path) -> None:
        self._finder, self._workers, self._folder = finder, workers, folder

    def parts(
        self, tiffs: Mapping[int, File], jpegs: Mapping[int, File], near: Pairs
    ) -> tuple[dict[tuple[int, int], Found], Effort]:
        """The parts by TIFF and JPEG that were found, and what that took.

        Those pairs are tried that features speak for, and those that are `near` by their hashes.
        """
        make_folder(self._folder)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="parts-") as name:
            with (Path(name) / "features").open("w+b") as file:
                spool = _Spool(file)
                ours = self._put(spool, tiffs)
                theirs = self._put(spool, jpegs)
                pairs = self._pairs(spool, ours, theirs, near, Path(name))
                counted = spool.count
        found = self._found(pairs, tiffs, jpegs)
        return found, Effort(len(tiffs), len(jpegs), counted, len(pairs), len(found))

    def _put(self, spool: _Spool, files: Mapping[int, File]) -> dict[int, int]:
        """The place in the spool of the features of each image that can be read."""
        results = self._workers.map(self._finder.features, files.values(), what="features")
        return {
            row: spool.put(result)
            for row, (_, result) in zip(files, results, strict=True)
            if not isinstance(result, UnreadableImageError)
        }

    def _pairs(
        self,
        spool: _Spool,
        ours: Mapping[int, int],
        theirs: Mapping[int, int],
        near: Pairs,
        folder: Path,
    ) -> list[tuple[int, int]]:
        index = Index(folder)
        index.fill((row, spool.get(place).descriptors) for row, place in theirs.items())
        pairs: list[tuple[int, int]] = []
        for some in _in_groups([*ours], _TOGETHER):
            own = [spool.get(ours[row]).descriptors for row in some]
            for row, plain, other in zip(
                some, self._voted(index, own), self._voted(index, map(mirrored, own)), strict=True
            ):
                wanted = {*plain, *other, *near.get(row, ())} & theirs.keys()
                pairs += [(row, jpeg) for jpeg in sorted(wanted)]
        return pairs

    def _voted(self, index: Index, queries: Iterable[Descriptors]) -> list[list[int]]:
        votes = index.votes([*queries], most=_MOST, least=_LEAST_VOTES)
        return [[jpeg for jpeg, _ in own] for own in votes]

    def _found(
        self,
        pairs: Sequence[tuple[int, int]],
        tiffs: Mapping[int, File],
        jpegs: Mapping[int, File],
    ) -> dict[tuple[int, int], Found]:
        items = [(tiffs[tiff], jpegs[jpeg]) for tiff, jpeg in pairs]
        results = self._workers.map(self._finder.part, items, what="parts", chunk=1)
        return {
            pair: result
            for pair, (_, result) in zip(pairs, results, strict=True)
            if isinstance(result, Found)
        }


class _Spool:
    """Features one after the other in a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: list[tuple[int, int]] = []
        self.count = 0

    def put(self, raw: bytes) -> int:
        """Where `raw`, encoded features, is kept."""
        start = self._file.seek(0, 2)
        self._file.write(raw)
        self._places.append((start, len(raw)))
        self.count += len(Features.decoded(raw).points)
        return len(self._places) - 1

    def get(self, place: int) -> Features:
        """The features that were put at `place`."""
        start, size = self._places[place]
        self._file.seek(start)
        return Features.decoded(self._file.read(size))


def _in_groups(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
