"""The JPEGs that a TIFF may be the original of, by any variant and either hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.matching import search
from backlabel.matching.evidence import NearPair
from backlabel.matching.variants import Variant

Bits: TypeAlias = NDArray[np.uint8]
"""(128,) or (m, 128): packed hashes."""
Nearest: TypeAlias = Callable[..., tuple[NDArray[np.int64], NDArray[np.int32]]]
"""`search.nearest`, or what takes its place: an index, or the reference."""
Query: TypeAlias = tuple[Variant, Bits, Bits]
"""A variant of a TIFF with its hashes of the standardised and of the grey image, (128,) each."""


@dataclass(frozen=True)
class Queries:
    """What is searched for on behalf of `count` TIFFs: q hashes of either kind."""

    count: int
    tiffs: NDArray[np.int64]
    """(q,): the number of the TIFF of each, ascending."""
    variants: Sequence[Variant]
    """Which variant of it each is."""
    standardised: Bits
    grey: Bits

    @classmethod
    def of(cls, variants: Sequence[Sequence[Query]]) -> Queries:
        """The `variants` of each TIFF, as `variants.hashes` gives them."""
        flat = [query for own in variants for query in own]
        return cls(
            len(variants),
            np.repeat(np.arange(len(variants)), [len(own) for own in variants]),
            [query[0] for query in flat],
            *(
                np.array([query[kind] for query in flat], np.uint8).reshape(-1, search.HASH_BYTES)
                for kind in (1, 2)
            ),
        )


_TOGETHER = 50  # TIFFs whose distances are in memory: some ten kilobytes a query
ABOVE_ALL = 1025
"""No distance has so many bits."""


def near_pairs(
    queries: Queries,
    standardised: Bits,
    grey: Bits | None,
    *,
    k: int,
    below: int = ABOVE_ALL,
    nearest: Nearest = search.nearest,
    nearest_grey: Nearest = search.nearest,
) -> Iterator[list[NearPair]]:
    """For each TIFF its nearest JPEG, and of the `k` nearest those `below` so many bits.

    They come nearest first, each by the best variant. `standardised` and `grey` (m, 128) are the
    JPEGs' hashes; without `grey` only the first of the two counts. Equal distances: the variant
    that comes first, then the lower row. `nearest` and `nearest_grey` search the one and the other.
    """
    if not len(queries.tiffs) or not len(standardised):
        yield from ([] for _ in range(queries.count))
        return
    rows = nearest(queries.standardised, standardised, k=k)[0]
    if grey is not None:
        rows = np.hstack([rows, nearest_grey(queries.grey, grey, k=k)[0]])
    for first in range(0, queries.count, _TOGETHER):
        count = min(_TOGETHER, queries.count - first)
        own = slice(*np.searchsorted(queries.tiffs, (first, first + count)))
        some = Queries(
            count,
            queries.tiffs[own] - first,
            queries.variants[own],
            queries.standardised[own],
            queries.grey[own],
        )
        yield from _nearest(some, rows[own], standardised, grey, k=k, below=below)


def _nearest(
    queries: Queries,
    rows: NDArray[np.int64],
    standardised: Bits,
    grey: Bits | None,
    *,
    k: int,
    below: int,
) -> list[list[NearPair]]:
    """The same for TIFFs whose queries have found `rows` (queries, n), the same ones at times."""
    far = _distances(queries.standardised, standardised[rows])
    far_grey = None if grey is None else _distances(queries.grey, grey[rows])
    each = rows.shape[1]
    tiffs, rows = np.repeat(queries.tiffs, each), rows.ravel()
    decisive = far if far_grey is None else np.minimum(far, far_grey)
    order = np.lexsort((decisive, rows, tiffs))
    is_new = [np.diff(column[order], prepend=-1) != 0 for column in (tiffs, rows)]
    order = order[np.any(is_new, axis=0)]  # each JPEG once, by its nearest variant
    order = order[np.lexsort((rows[order], decisive[order], tiffs[order]))]
    found: list[list[NearPair]] = [[] for _ in range(queries.count)]
    is_asked_for = decisive[order] < below
    is_asked_for[np.diff(tiffs[order], prepend=-1) != 0] = True  # it says how far away all are
    for i in order[is_asked_for].tolist():
        own = found[tiffs[i]]
        if len(own) < k:
            bits_grey = None if far_grey is None else int(far_grey[i])
            variant = str(queries.variants[i // each])
            own.append(NearPair(int(rows[i]), int(far[i]), bits_grey, variant))
    return found


def _distances(bits: Bits, others: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(q * n,): between each of `bits` (q, 128) and its own of `others` (q, n, 128), in order."""
    both = (others ^ bits[:, np.newaxis]).view(np.uint64)
    counts: NDArray[np.int64] = np.bitwise_count(both).sum(axis=2, dtype=np.int64)
    return counts.ravel()
