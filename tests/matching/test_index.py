"""The multi-hash index against exact search."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.matching import search
from backlabel.matching.index import MultiHash, Recall

RNG = np.random.default_rng(0)
BASE = RNG.integers(0, 256, (3000, 128), dtype=np.uint8)


def flipped(rows, *, bits):
    """Copies of `rows` with that many random bits changed."""
    changed = np.unpackbits(rows, axis=1)
    for row in changed:
        row[RNG.choice(1024, bits, replace=False)] ^= 1
    return np.packbits(changed, axis=1)


def test_finds_what_exact_search_finds():
    query = flipped(BASE[:200], bits=30)
    index, distance = MultiHash(BASE).nearest(query, k=1)
    assert index[:, 0].tolist() == list(range(200))
    assert distance.tolist() == [[30]] * 200


def test_result_is_whole_where_tables_are_empty():
    query = 255 - BASE[:5]
    found = MultiHash(BASE, tables=1).nearest(query, k=4)
    exact = search.nearest(query, BASE, k=4)
    assert found[0].tolist() == exact[0].tolist()
    assert found[1].tolist() == exact[1].tolist()


def test_equal_distance_lower_row_first():
    base = np.repeat(BASE[:1], 4, axis=0)
    index, distance = MultiHash(base).nearest(BASE[:1], k=4)
    assert index.tolist() == [[0, 1, 2, 3]]
    assert distance.tolist() == [[0, 0, 0, 0]]


def test_recall_counts_near_queries_only():
    query = np.concatenate([flipped(BASE[:60], bits=20), 255 - BASE[:40]])
    assert MultiHash(BASE).recall(query, max_bits=20) == Recall(queries=60, found=60)


def test_recall_sees_what_one_table_misses():
    query = flipped(BASE[:300], bits=100)
    recall = MultiHash(BASE[:300], tables=1, bits=8).recall(query, max_bits=100)
    # rows without any key in common are searched for exactly: only wrong company is missed
    assert 0 < recall.share < 1


def test_recall_of_no_query():
    assert MultiHash(BASE).recall(BASE[:0], max_bits=100).share == 1.0


def test_no_rows():
    index, distance = MultiHash(BASE[:0]).nearest(BASE[:2], k=3)
    assert index.shape == distance.shape == (2, 0)


@pytest.mark.parametrize(("tables", "bits"), [(52, 20), (0, 20), (4, 0)])
def test_refuses_tables_beyond_the_hash(tables, bits):
    with pytest.raises(ValueError, match="do not fit"):
        MultiHash(BASE, tables=tables, bits=bits)
