"""Nearest neighbours among very many hashes, by the words that they share (multi-index hashing).

Only rows that share one of the 64 words of 16 bits with the query are compared. Of the pairs with b
of 1,024 bits changed, about 1 - (1 - (1 - b / 1024) ** 16) ** 64 are found: with 100 bits changed
all but one in a million.
Source: Norouzi, Punjani, Fleet, Fast search in Hamming space with multi-index hashing, CVPR 2012.

A task searches a block of queries in a shard of the rows; what the tasks find is merged. Neither
the size of blocks and shards nor who does the tasks changes what is found. Small searches are done
here, large ones by worker processes or a cluster, which map both sides from files.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.kernels import ROW_BITS
from backlabel.matching import search
from backlabel.matching.search import Hashes
from backlabel.storage.files import make_folder, shared_folder
from backlabel.workers.crew import Crew

Neighbours: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32]]
WORDS = 64
"""Words of 16 bits in a hash."""
SHARD_ROWS = 1_000_000
"""128 MB of hashes."""
BLOCK_ROWS = 125_000
"""Queries of a task: so many that a row is fetched for several of them at once."""
_NONE = np.int64((8 * search.HASH_BYTES + 1) << ROW_BITS)
"""Where there is no neighbour: beyond all others."""


@dataclass(frozen=True)
class Stored:
    """Hashes in a file, one behind the other, that whoever needs them maps."""

    path: str
    rows: int
    first: int = 0
    """The row that these begin with."""

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: slice) -> Stored:
        first, last, _ = rows.indices(self.rows)
        return Stored(self.path, last - first, self.first + first)

    def __array__(self, dtype: object = None, *, copy: bool | None = None) -> Hashes:
        shape, at = (self.rows, search.HASH_BYTES), self.first * search.HASH_BYTES
        return np.asarray(np.memmap(self.path, np.uint8, "r", offset=at, shape=shape))


@dataclass(frozen=True)
class Recall:
    """How many of the true nearest rows the index finds too."""

    queries: int
    found: int

    @property
    def share(self) -> float:
        """From 0 to 1; 1 for no query."""
        return self.found / self.queries if self.queries else 1.0


@dataclass(frozen=True)
class _Task:
    """The `k` nearest of `rows` for each query; 0 `words`: of all rows, not by shared words."""

    query: Hashes | Stored
    rows: Hashes | Stored
    k: int
    words: int
    most: int
    """Pairs that a query may have in all tables; with more it is left to exact search."""


@dataclass(frozen=True)
class _Found:
    """Neighbours (n, k) of each query, sorted, and how many pairs it had."""

    nearest: NDArray[np.int64]
    met: NDArray[np.int64]


class MultiHash:
    """An index over `base` (m, 128): packed hashes, in memory or in a file, of which it keeps none.

    The first `words` words of the hash are used. `crew` does the tasks of a search of more than
    `alone` pairs; without one all are done here.
    """

    def __init__(
        self,
        base: Hashes | Stored,
        *,
        words: int = WORDS,
        shard_rows: int = SHARD_ROWS,
        block_rows: int = BLOCK_ROWS,
        crew: Crew | None = None,
        alone: int = 0,
    ) -> None:
        if not 0 < words <= WORDS:
            raise ValueError(f"{words} words: a hash has {WORDS} of 16 bits")
        if len(base) > 1 << ROW_BITS:
            raise ValueError(f"{len(base)} hashes: an index holds up to 2**{ROW_BITS}")
        self._base, self._words = base, words
        self._shard_rows, self.block_rows = shard_rows, block_rows
        self._crew, self._alone = crew, alone

    def nearest(self, query: Hashes, *, k: int) -> Neighbours:
        """As `search.nearest`, but a row that shares no word with its query may be missed.

        A query that shares words with fewer than k rows is searched for exactly instead, so that
        the result is always whole; so is one that shares more words than there are rows, which
        takes less time.
        """
        search.check(query, np.empty((0, search.HASH_BYTES), np.uint8), k)
        kept = min(k, len(self._base))
        if not kept or not len(query):
            return np.zeros((len(query), kept), np.int64), np.zeros((len(query), kept), np.int32)
        found = self._searched(query, kept, self._words)
        nearest = found.nearest
        again = np.flatnonzero((nearest[:, -1] >= _NONE) | (found.met > len(self._base)))
        if len(again):
            nearest[again] = self._searched(query[again], kept, 0).nearest
        return _apart(nearest)

    def recall(self, query: Hashes, *, max_bits: int, sample: int = 1000, seed: int = 0) -> Recall:
        """Share of `sample` queries whose nearest row the index finds, by exact search.

        Counted are queries whose nearest row lies within `max_bits`: beyond, it is no candidate.
        Any row at the same distance will do.
        """
        if not len(query) or not len(self._base):
            return Recall(queries=0, found=0)
        chosen = np.random.default_rng(seed).permutation(len(query))[:sample]
        _, exact = _apart(self._searched(query[chosen], 1, 0).nearest)
        near = (exact <= max_bits).all(axis=1)
        found = self.nearest(query[chosen][near], k=1)[1]
        return Recall(queries=int(near.sum()), found=int((found == exact[near]).sum()))

    def _searched(self, query: Hashes, k: int, words: int) -> _Found:
        """What all shards have for each query, block by block."""
        nearest = np.full((len(query), k), _NONE)
        met = np.zeros(len(query), np.int64)
        places = list(
            itertools.product(
                _parts(len(query), self.block_rows), _parts(len(self._base), self._shard_rows)
            )
        )
        for (block, shard), found in zip(places, self._done(query, places, k, words), strict=True):
            rows = np.where(found.nearest < _NONE, found.nearest + shard.start, _NONE)
            nearest[block] = np.sort(np.hstack([nearest[block], rows]), axis=1)[:, :k]
            met[block] += found.met
        return _Found(nearest, met)

    def _done(
        self, query: Hashes, places: list[tuple[slice, slice]], k: int, words: int
    ) -> Iterator[_Found]:
        """The tasks at `places`, done here or by the crew."""

        def tasks(asked: Hashes | Stored, base: Hashes | Stored) -> Iterator[_Task]:
            for block, shard in places:
                yield _Task(asked[block], base[shard], k, words, len(base))

        if self._crew is None or len(query) * len(self._base) <= self._alone:
            yield from map(search_block, tasks(query, self._base))
            return
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            stored = _store(query, Path(name) / "queries")
            done = self._crew.map(search_block, tasks(stored, self._stored), what="search", chunk=1)
            for _, found in done:
                if isinstance(found, UnreadableImageError):
                    raise WorkerError(
                        f"A worker could not search a shard of hashes: {found}. It needs about 0.5 "
                        "GiB and some seconds: look at read.max_memory_mib and read.max_seconds."
                    )
                yield found

    @cached_property
    def _folder(self) -> str:
        """Where all workers find hashes; it is deleted with this index."""
        make_folder(shared_folder())
        folder = tempfile.mkdtemp(dir=shared_folder(), prefix="search-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def _stored(self) -> Stored:
        if isinstance(self._base, Stored):
            return self._base
        return _store(self._base, Path(self._folder) / "base")


def search_block(task: _Task) -> _Found:
    """The nearest rows of a shard for a block of queries."""
    query, rows = np.ascontiguousarray(task.query), np.ascontiguousarray(task.rows)
    nearest = np.full((len(query), task.k), _NONE)
    met = np.zeros(len(query), np.int64)
    if task.words:
        from backlabel.kernels import shared_words  # noqa: PLC0415 - numba is slow to import

        shared_words.search(
            query.view(np.uint64), rows.view(np.uint64), task.words, task.most, nearest, met
        )
        return _Found(nearest, met)
    index, distance = search.nearest(query, rows, k=task.k)
    nearest[:, : index.shape[1]] = _packed(index, distance)
    return _Found(nearest, met)


def _parts(rows: int, most: int) -> list[slice]:
    return [slice(first, min(first + most, rows)) for first in range(0, rows, most)]


def _packed(rows: NDArray[np.int64], distance: NDArray[np.int32]) -> NDArray[np.int64]:
    return distance.astype(np.int64) << ROW_BITS | rows


def _apart(nearest: NDArray[np.int64]) -> Neighbours:
    rows = nearest & ((1 << ROW_BITS) - 1)
    return rows, (nearest >> ROW_BITS).astype(np.int32)


def _store(hashes: Hashes, path: Path) -> Stored:
    np.ascontiguousarray(hashes).tofile(path)
    return Stored(str(path), len(hashes))
