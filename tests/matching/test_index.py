"""The multi-hash index against exact search."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.matching import index as index_module
from backlabel.matching import search
from backlabel.matching.index import MultiHash, Recall, merged

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
    recall = MultiHash(BASE, tables=1).recall(query, max_bits=100)
    # rows without any word in common are searched for exactly: only wrong company is missed
    assert 0 < recall.share < 1


def test_recall_of_no_query():
    assert MultiHash(BASE).recall(BASE[:0], max_bits=100).share == 1.0


@pytest.mark.parametrize("rows", [1, 700, 1500, 2999, 3000])
def test_shards_find_what_one_index_finds(rows):
    query = flipped(BASE[:40], bits=30)
    whole = MultiHash(BASE).nearest(query, k=1)
    found = MultiHash(BASE, shard_rows=rows).nearest(query, k=1)
    assert [part.tolist() for part in found] == [part.tolist() for part in whole]


def test_shards_are_whole_where_tables_are_empty():
    query = 255 - BASE[:5]
    found = MultiHash(BASE, tables=1, shard_rows=800).nearest(query, k=4)
    assert [part.tolist() for part in found] == [
        part.tolist() for part in search.nearest(query, BASE, k=4)
    ]


def test_rows_may_lie_in_a_mapped_file(tmp_path):
    BASE.tofile(tmp_path / "hashes")
    mapped = np.memmap(tmp_path / "hashes", np.uint8, "r").reshape(-1, 128)
    query = flipped(BASE[:40], bits=30)
    index = MultiHash(mapped, shard_rows=1000)
    assert index.nearest(query, k=1)[0][:, 0].tolist() == [*range(40)]
    assert index.recall(query, max_bits=30) == Recall(queries=40, found=40)


def test_merging_keeps_the_nearest_and_of_equal_ones_the_lower_row():
    one = np.array([[7, 3]]), np.array([[5, 9]], np.int32)
    other = np.array([[2, -1]]), np.array([[5, 1025]], np.int32)
    for order in ([one, other], [other, one]):
        index, distance = merged(iter(order), 1, 3)
        assert (index.tolist(), distance.tolist()) == ([[2, 7, 3]], [[5, 5, 9]])


def test_no_rows():
    index, distance = MultiHash(BASE[:0]).nearest(BASE[:2], k=3)
    assert index.shape == distance.shape == (2, 0)


@pytest.mark.parametrize("tables", [0, 65])
def test_refuses_tables_beyond_the_hash(tables):
    with pytest.raises(ValueError, match="a hash has 64 words"):
        MultiHash(BASE, tables=tables)


def test_very_many_rows_with_the_same_words_are_compared_one_by_one(monkeypatch):
    monkeypatch.setattr(index_module, "_MOST", 100)
    query = flipped(BASE[:5], bits=10)
    base = np.concatenate([BASE, np.repeat(BASE[:1], 200, axis=0)])
    found, exact = MultiHash(base).nearest(query, k=3), search.nearest(query, base, k=3)
    assert found[0][0].tolist() == exact[0][0].tolist()
    assert found[0][:, 0].tolist() == [*range(5)]


def test_batches_do_not_change_what_is_found(monkeypatch):
    query = flipped(BASE[:50], bits=60)
    whole = MultiHash(BASE).nearest(query, k=5)
    monkeypatch.setattr(index_module, "_TOGETHER", 7)
    assert [part.tolist() for part in MultiHash(BASE).nearest(query, k=5)] == [
        part.tolist() for part in whole
    ]
