"""The multi-hash index against exact search."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.matching import index as index_module
from backlabel.matching import search
from backlabel.matching.index import MultiHash, Recall, Stored
from backlabel.workers.pool import Workers

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
    found = MultiHash(BASE, words=1).nearest(query, k=4)
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
    recall = MultiHash(BASE, words=1).recall(query, max_bits=100)
    # rows without any word in common are searched for exactly: only wrong company is missed
    assert 0 < recall.share < 1


def test_recall_of_no_query():
    assert MultiHash(BASE).recall(BASE[:0], max_bits=100).share == 1.0


def _sent(what):
    return pickle.loads(pickle.dumps(what))  # noqa: S301 - our own


class Elsewhere:
    """A crew far away: all that it is given and gives is pickled."""

    def map(self, function, items, *, what, chunk):
        for item in items:
            sent, own = _sent((function, item))
            yield item, _sent(sent(own))


def crowd():
    """Few rows, many of them equal, and queries that lie equally far from several."""
    base = np.concatenate([BASE[:20], BASE[:20], flipped(BASE[:20], bits=10), BASE[:5]])
    query = np.concatenate([BASE[:20], flipped(BASE[:9], bits=10), 255 - BASE[:3]])
    return base[RNG.permutation(len(base))], query


@pytest.mark.parametrize("crew", [None, Elsewhere()], ids=["here", "elsewhere"])
@pytest.mark.parametrize(
    ("shard_rows", "block_rows"), [(1, 40), (7, 7), (40, 1), (64, 31), (65, 32)]
)
def test_blocks_and_shards_do_not_change_what_is_found(
    tmp_path, monkeypatch, crew, shard_rows, block_rows
):
    monkeypatch.chdir(tmp_path)
    base, query = crowd()
    whole = MultiHash(base, words=8).nearest(query, k=6)
    parts = MultiHash(
        base, words=8, shard_rows=shard_rows, block_rows=block_rows, crew=crew
    ).nearest(query, k=6)
    assert [part.tolist() for part in parts] == [part.tolist() for part in whole]


def test_what_shares_a_word_is_found_as_by_exact_search():
    base, query = crowd()
    shares = (base.view(np.uint16)[None] == query.view(np.uint16)[:, None]).any(axis=2)
    index, distance = MultiHash(base).nearest(query, k=6)
    exact = search.nearest_reference(query, base, k=len(base))
    for i in range(len(query)):
        near = [
            (row, bits)
            for row, bits in zip(exact[0][i].tolist(), exact[1][i].tolist(), strict=True)
            if shares[i, row]
        ]
        if len(near) >= 6:
            assert list(zip(index[i].tolist(), distance[i].tolist(), strict=True)) == near[:6]


def test_workers_map_what_they_search(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    query = flipped(BASE[:40], bits=30)
    with Workers(2, max_seconds=60, max_memory_mib=500) as crew:
        index = MultiHash(BASE, shard_rows=1000, block_rows=25, crew=crew)
        assert index.nearest(query, k=1)[0][:, 0].tolist() == [*range(40)]
        assert index.recall(query, max_bits=30) == Recall(queries=40, found=40)
    assert len([*(tmp_path / ".backlabel").iterdir()]) == 1
    del index
    assert not [*(tmp_path / ".backlabel").iterdir()]


def test_few_pairs_are_no_matter_for_workers():
    assert MultiHash(BASE[:9], crew=object(), alone=18).nearest(BASE[:2], k=1)[0].tolist() == [
        [0],
        [1],
    ]


class Lost:
    """A crew whose worker dies at everything."""

    def map(self, function, items, *, what, chunk):
        for item in items:
            yield item, UnreadableImageError("too slow", "it took more than 1 seconds")


def test_a_shard_that_no_worker_can_search_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkerError, match=r"took more than 1 seconds.*read\.max_seconds"):
        MultiHash(BASE[:9], crew=Lost()).nearest(BASE[:2], k=1)


def test_shards_are_whole_where_tables_are_empty():
    query = 255 - BASE[:5]
    found = MultiHash(BASE, words=1, shard_rows=800).nearest(query, k=4)
    assert [part.tolist() for part in found] == [
        part.tolist() for part in search.nearest(query, BASE, k=4)
    ]


def test_rows_may_lie_in_a_file(tmp_path):
    BASE.tofile(tmp_path / "hashes")
    query = flipped(BASE[100:140], bits=30)
    index = MultiHash(Stored(str(tmp_path / "hashes"), 2900, first=100), shard_rows=1000)
    assert index.nearest(query, k=1)[0][:, 0].tolist() == [*range(40)]
    assert index.recall(query, max_bits=30) == Recall(queries=40, found=40)


def test_no_rows():
    index, distance = MultiHash(BASE[:0]).nearest(BASE[:2], k=3)
    assert index.shape == distance.shape == (2, 0)


@pytest.mark.parametrize("words", [0, 65])
def test_refuses_words_beyond_the_hash(words):
    with pytest.raises(ValueError, match="a hash has 64 of 16 bits"):
        MultiHash(BASE, words=words)


def test_a_query_that_shares_more_words_than_there_are_rows_is_searched_exactly():
    base = np.concatenate([255 - BASE[:1], np.repeat(BASE[:1], 4, axis=0)])
    query = BASE[:1].copy()
    query[0, 2:64] ^= 0x10  # 31 words are changed; the other 33 are shared with 4 rows
    found, exact = MultiHash(base).nearest(query, k=5), search.nearest(query, base, k=5)
    assert [part.tolist() for part in found] == [part.tolist() for part in exact]


def test_rows_beyond_32_bits_keep_their_numbers(tmp_path):
    shard = 1 << 33

    class Same:
        """Workers that find the second row of each shard, 7 bits away."""

        def map(self, function, tasks, **_):
            for task in tasks:
                yield task, index_module._Found(found, np.ones(len(task.query), np.int64))

    found = index_module._packed(np.array([[1]]), np.array([[7]]))
    base = Stored(str(tmp_path / "none"), 3 * shard)
    rows, distance = MultiHash(base, shard_rows=shard, crew=Same()).nearest(BASE[:1], k=3)
    assert rows.tolist() == [[1, shard + 1, 2 * shard + 1]]
    assert distance.tolist() == [[7, 7, 7]]
    with pytest.raises(ValueError, match=r"an index holds up to 2\*\*48"):
        MultiHash(Stored("none", (1 << 48) + 1))
