"""No group in two splits, whatever the files share; every split its share of each category."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlabel.labels import splits
from backlabel.labels.splits import Member, Places

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def digest(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def member(name, specimen=None, jpeg=None, category="Tips") -> Member:
    return Member(
        digest(name), specimen, digest(("jpeg", name if jpeg is None else jpeg)), category
    )


def together(found) -> set[tuple[int, ...]]:
    """Positions by group, names aside."""
    return {tuple(np.flatnonzero(found == name).tolist()) for name in found}


def numbers(names):
    """Groups of these names."""
    return np.array([int(digest(name)[:12], 16) for name in names], np.uint64)


def assign(groups, categories, shares, *, seed):
    """The name of each file's split."""
    return [[*shares][i] for i in splits.assign(groups, categories, shares, seed=seed)]


@pytest.mark.parametrize(
    ("members", "pairs", "expected"),
    [
        ([member(0), member(1)], [], {(0,), (1,)}),
        ([member(0, specimen="a"), member(1), member(2, specimen="a")], [], {(0, 2), (1,)}),
        ([member(0, jpeg="x"), member(1), member(2, jpeg="x")], [], {(0, 2), (1,)}),
        ([member(0), member(0)], [], {(0, 1)}),
        ([member(0), member(1), member(2)], [(0, 2)], {(0, 2), (1,)}),
        (
            [
                member(0, specimen="a"),
                member(1, specimen="a", jpeg="x"),
                member(2, jpeg="x"),
                member(3),
            ],
            [(2, 3)],
            {(0, 1, 2, 3)},
        ),
    ],
    ids=["strangers", "one folder", "one JPEG", "equal bytes", "near", "in turn"],
)
def test_what_keeps_files_together(members, pairs, expected):
    assert together(splits.groups(members, pairs)) == expected


def test_a_group_is_named_by_contents_alone():
    one = [member(i, specimen="data/tiff/regina") for i in range(5)]
    other = [member(i, specimen="elsewhere") for i in reversed(range(5))]
    assert {*splits.groups(one, [])} == {*splits.groups(other, [])}


@pytest.mark.parametrize("count", [0, 1, 3, 70, 200])
def test_near_is_every_pair_within_the_bound(count):
    rng = np.random.default_rng(count)
    base = rng.integers(0, 256, (count, 128), np.uint8)
    base[count // 3 :] = base[: count - count // 3]
    base[-1:, :2] ^= 0xFF  # 16 bits away from its twin
    for bound in (0, 15, 16, 500, 1024):
        expected = list(splits.near_reference(base, bound))
        assert sorted(splits.near(base, bound, k=2)) == expected
        assert sorted(splits.near(base, bound)) == expected


def test_the_reference_counts_bits():
    hashes = np.zeros((3, 128), np.uint8)
    hashes[1, 0] = 0b111
    hashes[2] = 255
    assert list(splits.near_reference(hashes, 2)) == []
    assert list(splits.near_reference(hashes, 3)) == [(0, 1)]
    assert list(splits.near_reference(hashes, 1024)) == [(0, 1), (0, 2), (1, 2)]


MEMBERS = st.lists(
    st.builds(
        member,
        st.integers(0, 40),
        st.sampled_from([None, *"abcdefgh"]),
        st.integers(0, 40),
        st.sampled_from(["Tips", "Films", "Powder"]),
    ),
    max_size=40,
)


@given(MEMBERS, st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=5))
def test_nothing_shared_lies_in_two_splits(members, pairs):
    pairs = [(i, j) for i, j in pairs if i < len(members) and j < len(members)]
    found = splits.groups(members, pairs)
    chosen = assign(found, [one.category for one in members], SHARES, seed=0)
    for i, j in combinations(range(len(members)), 2):
        a, b = members[i], members[j]
        if (
            a.sha256 == b.sha256
            or a.JPEG_sha256 == b.JPEG_sha256
            or (a.specimen is not None and a.specimen == b.specimen)
            or (i, j) in pairs
            or (j, i) in pairs
            or found[i] == found[j]
        ):
            assert chosen[i] == chosen[j]


@given(MEMBERS, st.randoms(use_true_random=False), st.integers(0, 3))
def test_order_of_rows_changes_nothing(members, rng, seed):
    def by_digest(rows):
        found = splits.groups(rows, [])
        chosen = assign(found, [row.category for row in rows], SHARES, seed=seed)
        return sorted(zip(map(repr, rows), found, chosen, strict=True))

    shuffled = list(members)
    rng.shuffle(shuffled)
    assert by_digest(shuffled) == by_digest(members)


@given(
    st.dictionaries(st.sampled_from(["Tips", "Films", "Powder"]), st.integers(1, 60), min_size=1),
    st.sampled_from(
        [SHARES, {"train": 0.5, "val": 0.25, "test": 0.25}, {"train": 0.9, "val": 0.1}]
    ),
)
def test_single_files_are_shared_out_to_less_than_one(counts, shares):
    categories = [name for name, count in counts.items() for _ in range(count)]
    chosen = assign(numbers(enumerate(categories)), categories, shares, seed=1)
    for category, total in counts.items():
        got = Counter(s for s, c in zip(chosen, categories, strict=True) if c == category)
        for split, share in shares.items():
            assert abs(got[split] - share * total) < 1


def test_a_share_of_nothing_gets_nothing():
    categories = ["Tips"] * 20
    chosen = assign(numbers(range(20)), categories, {"train": 1.0, "test": 0.0}, seed=0)
    assert set(chosen) == {"train"}


def test_groups_of_unlike_size_come_near_the_shares():
    rng = random.Random(5)
    names, categories = [], []
    for i in range(300):
        size, category = rng.randint(1, 12), rng.choice(["Tips", "Films", "Powder"])
        names += [i] * size
        categories += [category] * size
    chosen = assign(numbers(names), categories, SHARES, seed=0)
    for category, total in Counter(categories).items():
        got = Counter(s for s, c in zip(chosen, categories, strict=True) if c == category)
        for split, share in SHARES.items():
            assert got[split] / total == pytest.approx(share, abs=0.01)


def test_splits_that_lack_as_much_are_filled_in_turn():
    names = numbers(i // 3 for i in range(30))
    categories = [f"category {i % 12}" for i in range(30)]
    counts = Counter(assign(names, categories, SHARES, seed=0))
    assert counts == {"train": 24, "val": 3, "test": 3}


def test_another_seed_splits_otherwise():
    names = numbers(range(60))
    first, second = (assign(names, ["Tips"] * 60, SHARES, seed=seed) for seed in (0, 1))
    assert first != second


def places(**counts):
    """So many files in each split, each file a group of its own."""
    found = np.repeat(np.arange(len(counts), dtype=np.uint8), [*counts.values()])
    return Places([*counts], found, np.arange(len(found), dtype=np.uint64))


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (places(train=70, val=15, test=15), []),
        (places(train=73, val=12, test=15), []),  # a fifth of val's share is 3
        (places(train=74, val=11, test=15), ["val"]),
        (places(train=67, val=19, test=14), ["val"]),
        (places(train=2), ["train", "val", "test"]),
        (places(), []),
    ],
    ids=[
        "as wanted",
        "a fifth less",
        "still less",
        "more",
        "empty",
        "none",
    ],
)
def test_a_split_that_misses_its_share_is_named(found, missed):
    said = splits.shortfalls(found, SHARES)
    assert [line.split()[1] for line in said[:-1]] == missed
    assert not said or "label.group_by" in said[-1]


def test_a_split_that_is_to_be_empty_is_not_missed():
    assert splits.shortfalls(places(train=5), {"train": 1.0, "val": 0.0}) == []
