"""The parts of TIFFs that are in JPEGs: features, an index, votes, registration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from backlabel.errors import UnreadableImageError
from backlabel.parts.features import Descriptors, Features, inverted, mirrored
from backlabel.parts.finder import File, Finder, Task
from backlabel.parts.index import Index
from backlabel.parts.kept import Digests, Found, KeptParts, Plan
from backlabel.storage.columns import in_blocks
from backlabel.workers.crew import Crew

Files = Mapping[str, File]
"""Pictures by their `content`."""

_MOST = 8  # JPEGs that are tried for a TIFF, of those that its features speak for
_LEAST_VOTES = 3
_ASKING = 250  # features of a TIFF that vote; twice as many find no more
_ASKING_CHANGED = 150  # likewise, each time that it is mirrored, inverted or both
_TOGETHER = 400  # TIFFs that ask the index at once: 100,000 descriptors
_KEPT_TOGETHER = 64  # pairs whose parts a kill may lose
_CHUNK = 4  # pairs: most take 5 ms, those that are scored 200


class Search:
    """Features are kept in a file below `folder` while the search lasts, not in memory.

    `folder` is the caller's to delete, and `kept` may be None: then nothing is kept beyond it.
    """

    def __init__(self, finder: Finder, workers: Crew, kept: KeptParts | None, folder: Path) -> None:
        self._finder, self._workers, self._kept, self._folder = finder, workers, kept, folder
        self._spool = _Spool((folder / "features").open("w+b"))

    def close(self) -> None:
        """Close the file of features."""
        self._spool.close()

    def plan(self, tiffs: Files, jpegs: Files, near: Sequence[Digests]) -> Plan:
        """The pairs that features speak for, and those that are `near` by their hashes."""
        self._need([*tiffs.values(), *jpegs.values()])
        ours = [one for one in sorted(tiffs) if one in self._spool]
        theirs = [one for one in sorted(jpegs) if one in self._spool]
        index = Index(self._folder)
        index.fill((i, self._spool.get(one).descriptors) for i, one in enumerate(theirs))
        pairs = {pair for pair in near if pair[0] in self._spool and pair[1] in self._spool}
        for some in in_blocks(ours, _TOGETHER):
            own = [self._spool.get(one).descriptors for one in some]
            for tiff, rows in zip(some, _voted(index, own), strict=True):
                pairs |= {(tiff, theirs[row]) for row in rows}
        return Plan(sorted(pairs), sum(self._spool.count(one) for one in {*ours, *theirs}))

    def found(
        self, pairs: Sequence[Digests], tiffs: Files, jpegs: Files
    ) -> Iterator[tuple[Digests, Found | None]]:
        """The part that each pair shares, if any. A file that cannot be read shares none."""
        self._need([tiffs[tiff] for tiff, _ in pairs] + [jpegs[jpeg] for _, jpeg in pairs])
        known = [pair for pair in pairs if pair[0] in self._spool and pair[1] in self._spool]
        tasks = (
            Task(tiffs[tiff], jpegs[jpeg], self._spool.raw(tiff), self._spool.raw(jpeg))
            for tiff, jpeg in known
        )
        results = self._workers.map(self._finder.part, tasks, what="parts", chunk=_CHUNK)
        waiting: list[tuple[Digests, Found | None]] = []
        for pair, (_, result) in zip(known, results, strict=True):
            if isinstance(result, UnreadableImageError):
                continue
            waiting.append((pair, result))
            if len(waiting) == _KEPT_TOGETHER:
                self._keep(waiting)
                waiting = []
            yield pair, result
        self._keep(waiting)

    def _keep(self, found: Sequence[tuple[Digests, Found | None]]) -> None:
        if self._kept is not None and found:
            self._kept.keep_found(found)

    def _need(self, files: Iterable[File]) -> None:
        """Bring the features of `files` into the spool, but for those that cannot be read."""
        missing = {one.content: one for one in files if one.content not in self._spool}
        if self._kept is not None:
            for picture in [*missing]:
                known = self._kept.features(picture)
                if known is not None:
                    self._spool.put(picture, known)
                    del missing[picture]
        results = self._workers.map(self._finder.features, [*missing.values()], what="features")
        for file, result in results:
            if isinstance(result, UnreadableImageError):
                continue
            self._spool.put(file.content, result)
            if self._kept is not None:
                self._kept.keep_features(file.content, result)


class _Spool:
    """Encoded features in a file, by the `content` of the picture."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}

    def __contains__(self, picture: str) -> bool:
        return picture in self._places

    def put(self, picture: str, raw: bytes) -> None:
        """Add the features of an image."""
        self._places[picture] = self._file.seek(0, 2), len(raw)
        self._file.write(raw)

    def raw(self, picture: str) -> bytes:
        """The features that were put, encoded."""
        start, size = self._places[picture]
        self._file.seek(start)
        return self._file.read(size)

    def get(self, picture: str) -> Features:
        """The features that were put."""
        return Features.decoded(self.raw(picture))

    def count(self, picture: str) -> int:
        """How many features the image has."""
        return Features.count(self._places[picture][1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
