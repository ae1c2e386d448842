"""Names and digests on the disk read like a dict of them."""

from __future__ import annotations

import hashlib

import pytest

from backlabel.storage.digests import Digests, Index

NAMES = ["Tips/L9_b.tif", "Tips/L9_\u00e4.tif", "\udcff.tif", "README.md"]
PAIRS = {name: hashlib.sha256(str(i).encode()).hexdigest() for i, name in enumerate(NAMES)}


def test_reads_like_the_dict():
    found = Digests(PAIRS.items())
    assert [*found.items()] == [*PAIRS.items()]
    assert [found.number(name) for name in NAMES] == [0, 1, 2, 3]
    assert found.get("none.tif") is None
    with pytest.raises(KeyError):
        found.number("none.tif")


def test_of_nothing():
    assert dict(Digests()) == {}
    assert "a.tif" not in Digests()


def test_keys_of_one_hash_are_all_named_in_order():
    assert hash(-1) == hash(-2)
    assert [*Index([-2, 7, -1], 3).having_hash(-1)] == [0, 2]
