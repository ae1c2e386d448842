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


_TOGETHER = 1000  # TIFFs whose distances are in memory: a few kilobytes a variant
ABOVE_ALL = 1025
"""No distance has so many bits."""


def near_pairs(
    queries: Sequence[Sequence[Query]],
    standardised: Bits,
    grey: Bits | None,
    *,
    k: int,
    below: int = ABOVE_ALL,
    nearest: Nearest = search.nearest,
    nearest_grey: Nearest = search.nearest,
) -> list[list[NearPair]]:
    """For each TIFF its nearest JPEG, and of the `k` nearest those `below` so many bits.

    They come nearest first, each by the best variant.
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
    for start in range(0, len(queries), _TOGETHER):
        some = queries[start : start + _TOGETHER]
        count = sum(map(len, some))
        found += _nearest(some, rows[at : at + count], standardised, grey, k=k, below=below)
        at += count
    return found


def _nearest(
    queries: Sequence[Sequence[Query]],
    rows: NDArray[np.int64],
    standardised: Bits,
    grey: Bits | None,
    *,
    k: int,
    below: int,
) -> list[list[NearPair]]:
    """The same for TIFFs whose queries have found `rows` (queries, n), the same ones at times."""
    flat = [query for own in queries for query in own]
    if not flat:
        return [[] for _ in queries]
    each = rows.shape[1]
    tiffs = np.repeat(np.arange(len(queries)), [each * len(own) for own in queries])
    rows = rows.ravel()
    far = _distances([query[1] for query in flat], standardised[rows])
    far_grey = None if grey is None else _distances([query[2] for query in flat], grey[rows])
    decisive = far if far_grey is None else np.minimum(far, far_grey)
    order = np.lexsort((decisive, rows, tiffs))
    is_new = [np.diff(column[order], prepend=-1) != 0 for column in (tiffs, rows)]
    order = order[np.any(is_new, axis=0)]  # each JPEG once, by its nearest variant
    order = order[np.lexsort((rows[order], decisive[order], tiffs[order]))]
    found: list[list[NearPair]] = [[] for _ in queries]
    is_asked_for = decisive[order] < below
    is_asked_for[np.diff(tiffs[order], prepend=-1) != 0] = True  # it says how far away all are
    for i in order[is_asked_for].tolist():
        own = found[tiffs[i]]
        if len(own) < k:
            bits_grey = None if far_grey is None else int(far_grey[i])
            own.append(NearPair(int(rows[i]), int(far[i]), bits_grey, str(flat[i // each][0])))
    return found


def _distances(bits: Sequence[Bits], others: Bits) -> NDArray[np.int64]:
    """Between each of `bits` and as many of `others`, in order, as come to it."""
    of_each = others.reshape(len(bits), -1, others.shape[1])
    both = (of_each ^ np.stack(bits)[:, np.newaxis]).view(np.uint64)
    counts: NDArray[np.int64] = np.bitwise_count(both).sum(axis=2, dtype=np.int64)
    return counts.ravel()
