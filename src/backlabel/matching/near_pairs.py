"""The JPEGs that a TIFF may be the original of, by any variant and either hash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def near_pairs(
    queries: Sequence[Sequence[Query]],
    standardised: Bits,
    grey: Bits | None,
    *,
    k: int,
    nearest: Nearest = search.nearest,
    nearest_grey: Nearest = search.nearest,
) -> list[list[NearPair]]:
    """For each TIFF the `k` nearest JPEGs, nearest first, each by its nearest variant.

    `queries[i]` are the variants of TIFF i, as `variants.hashes` gives them; `standardised` and
    `grey` (m, 128) are the JPEGs' hashes; without `grey` only the first of the two counts. Equal
    distances: the variant that comes first, then the lower row. `nearest` and `nearest_grey` search
    the one and the other.
    """
    flat = [query for own in queries for query in own]
    if not flat or not len(standardised):
        return [[] for _ in queries]
    rows = nearest(np.stack([query[1] for query in flat]), standardised, k=k)[0]
    if grey is not None:
        by_grey = nearest_grey(np.stack([query[2] for query in flat]), grey, k=k)[0]
        rows = np.hstack([rows, by_grey])
    found: list[list[NearPair]] = []
    at = 0
    for own in queries:
        best: dict[int, NearPair] = {}
        for query, near in zip(own, rows[at : at + len(own)], strict=True):
            for one in _nearest(query, np.unique(near), standardised, grey, k):
                if one.row not in best or one.distance < best[one.row].distance:
                    best[one.row] = one
        found.append(sorted(best.values(), key=lambda one: (one.distance, one.row))[:k])
        at += len(own)
    return found


def _nearest(
    query: Query, rows: NDArray[np.int64], standardised: Bits, grey: Bits | None, k: int
) -> list[NearPair]:
    """The `k` nearest of `rows` (ascending): none beyond them is among the nearest of a TIFF."""
    variant, bits, bits_grey = query
    far = _distances(bits, standardised[rows])
    far_grey = None if grey is None else _distances(bits_grey, grey[rows])
    decisive = far if far_grey is None else np.minimum(far, far_grey)
    return [
        NearPair(
            row=int(rows[i]),
            hamming_standardised=int(far[i]),
            hamming_grey=None if far_grey is None else int(far_grey[i]),
            variant=str(variant),
        )
        for i in np.argsort(decisive, kind="stable")[:k]
    ]


def _distances(bits: Bits, others: Bits) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(others ^ bits).sum(axis=1, dtype=np.int64)
    return counts
