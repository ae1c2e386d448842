"""Nearest neighbours among very many hashes, through faiss's multi-hash index.

Each table keys the hashes by some of their bits; only rows that share a key with the query in at
least one table are compared. Of the pairs with b of 1,024 bits changed, about
1 - (1 - (1 - b / 1024) ** bits) ** tables are found, nearer ones more surely.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from backlabel.matching import search

Neighbours = tuple[NDArray[np.int64], NDArray[np.int32]]


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
    """An index over `base` (m, 128): packed hashes, of which it keeps a copy and `tables` maps.

    Bits of the hash are spread over the tables in order, `tables * bits` of them at most 1,024.
    """

    def __init__(self, base: NDArray[np.uint8], *, tables: int = 32, bits: int = 20) -> None:
        if not 0 < tables * bits <= 8 * search.HASH_BYTES:
            raise ValueError(f"{tables} tables of {bits} bits do not fit 1,024 bits")
        search.check(base, base, 1)
        self._base = np.ascontiguousarray(base)
        self._index = faiss.IndexBinaryMultiHash(8 * search.HASH_BYTES, tables, bits)
        self._index.add(self._base)

    def nearest(self, query: NDArray[np.uint8], *, k: int) -> Neighbours:
        """As `search.nearest`, but a row that shares no key with its query may be missed.

        A query for which the tables hold fewer than k rows is searched for exactly instead, so
        that the result is always whole. Of rows that are as far as the last one kept, any may be
        in it; those in it are in the order of `search.nearest`.
        """
        search.check(query, self._base, k)
        kept = min(k, len(self._base))
        if not kept or not len(query):
            return search.nearest(query, self._base, k=k)
        distance, index = self._index.search(np.ascontiguousarray(query), kept)
        index, distance = index.astype(np.int64), distance.astype(np.int32)
        order = np.lexsort((index, distance), axis=1)
        index = np.take_along_axis(index, order, axis=1)
        distance = np.take_along_axis(distance, order, axis=1)
        short = np.flatnonzero((index < 0).any(axis=1))
        index[short], distance[short] = search.nearest(query[short], self._base, k=k)
        return index, distance

    def recall(
        self, query: NDArray[np.uint8], *, max_bits: int, sample: int = 1000, seed: int = 0
    ) -> Recall:
        """Share of `sample` queries whose nearest row the index finds, by exact search.

        Counted are queries whose nearest row lies within `max_bits`: beyond, it is no candidate.
        Any row at the same distance will do.
        """
        chosen = np.random.default_rng(seed).permutation(len(query))[:sample]
        exact = search.nearest(query[chosen], self._base, k=1)[1]
        near = (exact <= max_bits).all(axis=1)
        found = self.nearest(query[chosen][near], k=1)[1]
        return Recall(queries=int(near.sum()), found=int((found == exact[near]).sum()))
