"""Exact Hamming search against sorting all distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from backlabel.matching import search

ZEROS = np.zeros((1, 128), np.uint8)
ONES = np.full((1, 128), 255, np.uint8)


@pytest.fixture(autouse=True, params=[-1, 1 << 20], ids=["kernel", "few"])
def way(request, monkeypatch):
    monkeypatch.setattr(search, "_FEW", request.param)
    monkeypatch.setattr(search, "_TOGETHER", 512)


def hashes(rows: int, *, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (rows, 128), dtype=np.uint8)


def test_complement_is_every_bit_away():
    assert search.nearest(ZEROS, ONES, k=1)[1].item() == 1024


def test_each_single_bit_counts_once():
    single = np.packbits(np.eye(1024, dtype=np.uint8), axis=1)
    index, distance = search.nearest(ZEROS, single, k=1024)
    assert index.tolist() == [list(range(1024))]
    assert distance.tolist() == [[1] * 1024]


def test_equal_distance_lower_row_wins():
    base = np.repeat(ONES, 700, axis=0)
    base[[3, 300, 600]] = 0
    index, distance = search.nearest(ZEROS, base, k=5)
    assert index.tolist() == [[3, 300, 600, 0, 1]]
    assert distance.tolist() == [[0, 0, 0, 1024, 1024]]


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(0, 5),
    m=st.sampled_from([0, 1, 7, 255, 256, 257, 600]),
    k=st.integers(1, 30),
    seed=st.integers(0, 99),
    few_bits=st.booleans(),
)
def test_agrees_with_reference(n, m, k, seed, few_bits):
    query, base = hashes(n, seed=seed), hashes(m, seed=seed + 100)
    if few_bits:  # many equal distances
        query &= 1
        base &= 1
    found, expected = search.nearest(query, base, k=k), search.nearest_reference(query, base, k=k)
    assert found[0].shape == found[1].shape == (n, min(k, m))
    assert found[0].tolist() == expected[0].tolist()
    assert found[1].tolist() == expected[1].tolist()


def test_types_are_those_promised():
    index, distance = search.nearest(ZEROS, ONES, k=3)
    assert (index.dtype, distance.dtype) == (np.int64, np.int32)


def test_layout_in_memory_does_not_matter():
    query, base = hashes(4, seed=1), hashes(50, seed=2)
    expected = search.nearest(query, base, k=4)
    index, distance = search.nearest(np.asfortranarray(query), np.repeat(base, 2, axis=0)[::2], k=4)
    assert index.tolist() == expected[0].tolist()
    assert distance.tolist() == expected[1].tolist()


@pytest.mark.parametrize(
    ("query", "base", "k"),
    [
        (ZEROS[:, :64], ONES, 1),
        (ZEROS, ONES[0], 1),
        (ZEROS.astype(np.int64), ONES, 1),
        (ZEROS, ONES, 0),
    ],
    ids=["64 bytes", "one dimension", "other type", "no neighbour"],
)
@pytest.mark.parametrize("nearest", [search.nearest, search.nearest_reference])
def test_refuses(nearest, query, base, k):
    with pytest.raises(ValueError, match="expected"):
        nearest(query, base, k=k)
