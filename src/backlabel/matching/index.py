"""Nearest neighbours among very many hashes, through tables of their words (multi-index hashing).

Each table keys the hashes by one of their 64 words of 16 bits; only rows that share a word with the
query are compared. Of the pairs with b of 1,024 bits changed, about
1 - (1 - (1 - b / 1024) ** 16) ** 64 are found: with 100 bits changed all but one in a million.
Source: Norouzi, Punjani, Fleet, Fast search in Hamming space with multi-index hashing, CVPR 2012.

Rows are indexed a shard at a time and what shards find is merged, so that neither memory nor
the time to build one grows with the rows, which may lie in a file that is mapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.matching import search

Neighbours: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32]]
TABLES = 64
"""Words of 16 bits in a hash."""
SHARD_ROWS = 1_000_000
"""0.3 GiB of tables."""
_WORDS = 1 << 16
_TOGETHER = 1 << 17  # pairs that are compared at a time: 32 MiB
_MOST = 1 << 20  # rows of one query in all tables; above, every row is compared instead
_NONE = np.int32(8 * search.HASH_BYTES + 1)
"""The distance where there is no row: beyond all others."""
_ROW_BITS, _BITS = 32, 11  # of a row and of a distance, side by side in one sortable number


@dataclass(frozen=True)
class Recall:
    """How many of the true nearest rows the index finds too."""

    queries: int
    found: int

    @property
    def share(self) -> float:
        """From 0 to 1; 1 for no query."""
        return self.found / self.queries if self.queries else 1.0


class MultiHash:
    """An index over `base` (m, 128): packed hashes, in memory or mapped, of which it keeps no copy.

    The first `tables` words of the hash are used. A single shard is indexed once, more than one
    anew for each search: search for many at a time.
    """

    def __init__(
        self, base: NDArray[np.uint8], *, tables: int = TABLES, shard_rows: int = SHARD_ROWS
    ) -> None:
        if not 0 < tables <= TABLES:
            raise ValueError(f"{tables} tables: a hash has {TABLES} words of 16 bits")
        search.check(base, base, 1)
        self._base, self._tables, self._shard_rows = base, tables, shard_rows
        self._only = _Shard(base, tables) if len(base) <= shard_rows else None

    def nearest(self, query: NDArray[np.uint8], *, k: int) -> Neighbours:
        """As `search.nearest`, but a row that shares no word with its query may be missed.

        A query for which the tables hold fewer than k rows is searched for exactly instead, so
        that the result is always whole.
        """
        search.check(query, self._base, k)
        kept = min(k, len(self._base))
        if not kept or not len(query):
            return search.nearest(query, self._base[:0], k=k)
        index, distance = merged(self._by_tables(query, kept), len(query), kept)
        short = np.flatnonzero((index < 0).any(axis=1))
        if len(short):
            index[short], distance[short] = merged(
                self._exact(query[short], kept), len(short), kept
            )
        return index, distance

    def recall(
        self, query: NDArray[np.uint8], *, max_bits: int, sample: int = 1000, seed: int = 0
    ) -> Recall:
        """Share of `sample` queries whose nearest row the index finds, by exact search.

        Counted are queries whose nearest row lies within `max_bits`: beyond, it is no candidate.
        Any row at the same distance will do.
        """
        chosen = np.random.default_rng(seed).permutation(len(query))[:sample]
        exact = merged(self._exact(query[chosen], 1), len(chosen), 1)[1]
        near = (exact <= max_bits).all(axis=1)
        found = self.nearest(query[chosen][near], k=1)[1]
        return Recall(queries=int(near.sum()), found=int((found == exact[near]).sum()))

    def _by_tables(self, query: NDArray[np.uint8], k: int) -> Iterator[Neighbours]:
        for first, rows in self._shards():
            shard = self._only or _Shard(rows, self._tables)
            index, distance = shard.nearest(query, k)
            yield np.where(index < 0, -1, index + first), distance

    def _exact(self, query: NDArray[np.uint8], k: int) -> Iterator[Neighbours]:
        for first, rows in self._shards():
            index, distance = search.nearest(query, rows, k=k)
            yield index + first, distance

    def _shards(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for first in range(0, len(self._base), self._shard_rows):
            yield first, self._base[first : first + self._shard_rows]


def merged(found: Iterable[Neighbours], queries: int, k: int) -> Neighbours:
    """The `k` nearest of what several shards found, in any order; equal distance: the lower row.

    Both results are (queries, k), -1 and a distance above all where fewer were found.
    """
    index = np.full((queries, k), -1, np.int64)
    distance = np.full((queries, k), _NONE, np.int32)
    for rows, bits in found:
        both, far = np.hstack([index, rows]), np.hstack([distance, bits])
        order = np.lexsort((both, far), axis=1)[:, :k]
        index = np.take_along_axis(both, order, axis=1)
        distance = np.take_along_axis(far, order, axis=1)
    return index, distance


class _Shard:
    """Tables over some rows: the rows by word, and where those of each word begin."""

    def __init__(self, rows: NDArray[np.uint8], tables: int) -> None:
        self._rows = np.ascontiguousarray(rows)
        self._tables = tables
        self._by_word = np.empty((tables, len(rows)), np.int32)
        self._starts = np.zeros((tables, _WORDS + 1), np.int32)
        for table, words in enumerate(_words(self._rows)[:, :tables].T):
            word = np.ascontiguousarray(words)
            self._by_word[table] = np.argsort(word, kind="stable")
            self._starts[table, 1:] = np.cumsum(np.bincount(word, minlength=_WORDS))

    def nearest(self, query: NDArray[np.uint8], k: int) -> Neighbours:
        """The `k` nearest rows that share a word; -1 and `_NONE` where there are fewer."""
        words = _words(np.ascontiguousarray(query))[:, : self._tables].astype(np.int64)
        tables = np.arange(self._tables)
        starts = self._starts[tables, words].astype(np.int64)
        counts = self._starts[tables, words + 1] - starts
        counts[counts.sum(axis=1) > _MOST] = 0
        starts += tables * len(self._rows)
        index = np.full((len(query), k), -1, np.int64)
        distance = np.full((len(query), k), _NONE, np.int32)
        # As many queries at a time as have `_TOGETHER` pairs, and at least one.
        batch = np.cumsum(counts.sum(axis=1)) // _TOGETHER
        for own in np.split(np.arange(len(query)), np.flatnonzero(np.diff(batch)) + 1):
            place, rank, rows, bits = self._compared(query[own], starts[own], counts[own], k)
            index[own[place], rank], distance[own[place], rank] = rows, bits
        return index, distance

    def _compared(
        self,
        query: NDArray[np.uint8],
        starts: NDArray[np.int64],
        counts: NDArray[np.int64],
        k: int,
    ) -> tuple[NDArray[np.int64], ...]:
        """Query, rank below `k`, row and distance of each neighbour."""
        ends = np.cumsum(counts)
        at = np.repeat(starts.ravel() - ends + counts.ravel(), counts.ravel())
        rows = self._by_word.ravel()[at + np.arange(len(at))].astype(np.int64)
        asked = np.repeat(np.arange(len(query)), counts.sum(axis=1))
        apart = self._rows.view(np.uint64)[rows] ^ query.view(np.uint64)[asked]
        bits = np.bitwise_count(apart).sum(axis=1, dtype=np.int64)
        # Sorted by query, distance and row; a row that shares several words stands once.
        pairs = np.unique((asked << _BITS | bits) << _ROW_BITS | rows)
        place = pairs >> (_BITS + _ROW_BITS)
        rank = np.arange(len(pairs)) - np.searchsorted(place, place)
        near = rank < k
        pairs = pairs[near]
        bits = pairs >> _ROW_BITS & ((1 << _BITS) - 1)
        return place[near], rank[near], pairs & ((1 << _ROW_BITS) - 1), bits


def _words(rows: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return rows.view(np.uint16)
