"""The JPEGs that one TIFF may be the original of, by any variant and either hash."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.decide import Candidate
from backlabel.matching.search import nearest
from backlabel.matching.variants import Variant

Bits = NDArray[np.uint8]
"""(128,) or (m, 128): packed hashes."""


def candidates(
    queries: Iterable[tuple[Variant, Bits, Bits]], standardised: Bits, grey: Bits, *, k: int
) -> list[Candidate]:
    """The `k` nearest JPEGs, nearest first, each by the variant that brings it nearest.

    `queries` are the TIFF's variants with their hashes of the standardised and of the grey image,
    as `variants.hashes` gives them; `standardised` and `grey` (m, 128) those of the JPEGs. Equal
    distances: the variant that comes first, then the lower row.
    """
    best: dict[int, Candidate] = {}
    for variant, ours, ours_grey in queries:
        rows = np.union1d(
            nearest(ours[None], standardised, k=k)[0], nearest(ours_grey[None], grey, k=k)[0]
        )
        far = np.bitwise_count(standardised[rows] ^ ours).sum(axis=1, dtype=np.int64)
        far_grey = np.bitwise_count(grey[rows] ^ ours_grey).sum(axis=1, dtype=np.int64)
        for row, one, other in zip(rows, far, far_grey, strict=True):
            found = Candidate(int(row), int(one), int(other), str(variant))
            if row not in best or found.distance < best[row].distance:
                best[int(row)] = found
    return sorted(best.values(), key=lambda one: (one.distance, one.row))[:k]
