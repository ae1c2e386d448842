"""Several digests at once are those of hashlib."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from backlabel.hashing import digests

numba = pytest.importorskip("numba")


def messages(*sizes):
    rng = np.random.default_rng(sum(sizes))
    return [rng.integers(0, 256, size, np.uint8) for size in sizes]


def by_hashlib(many):
    return [hashlib.sha256(one.tobytes()).digest() for one in many]


@pytest.mark.parametrize("count", range(18))
def test_any_number_of_messages(count):
    many = messages(*[1000 + 100 * i for i in range(count)])
    assert digests.side_by_side(many) == by_hashlib(many)


@pytest.mark.parametrize("first", range(0, 192, 8))
def test_every_length_about_the_ends_of_blocks(first):
    many = messages(*range(first, first + 8))
    assert digests.side_by_side(many) == by_hashlib(many)


def test_lengths_of_all_sizes_together():
    many = messages(1, 3_000_000, 0, 64, 100_000, 55, 56, 63, 65, 1_000_001, 119, 120)
    assert digests.side_by_side(many) == by_hashlib(many)


def test_examples_of_the_standard():
    """NIST's, of FIPS 180-4: one block, two blocks, a million letters."""
    texts = [
        b"abc",
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        b"a" * 1_000_000,
    ]
    assert [
        one.hex() for one in digests.side_by_side([np.frombuffer(t, np.uint8) for t in texts])
    ] == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ]


@pytest.mark.parametrize("quicker", [False, True])
def test_either_way_is_the_same(monkeypatch, quicker):
    monkeypatch.setattr(digests, "QUICKER", quicker)
    many = messages(5, 70, 200_000)
    assert digests.sha256_of(many) == by_hashlib(many)
