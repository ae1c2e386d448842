"""Train, validation and test sets that share nothing: no specimen, no near-duplicate, no JPEG.

Files that must stay together form a group; a whole group goes to one split. Which one depends on
the contents of the files and on the seed, not on the order of rows or on names of folders.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlabel.matching import search

_ID_DIGITS = 12
_SEARCHED_TOGETHER = 8_192  # rows whose nearest are held
_TOLERATED = 5  # a split may miss one part in so many of its share


@dataclass(frozen=True)
class Member:
    """One labelled file: digest of its bytes, what it may share with others, and its category.

    `specimen` is what it shares by `label.group_by`, or None where it shares nothing.
    """

    sha256: str
    specimen: str | None
    JPEG_sha256: str
    category: str


@dataclass(frozen=True)
class Place:
    """Where a file belongs."""

    split: str
    group: str


@dataclass(frozen=True)
class Places(Iterable[Place]):
    """Where many files belong: the number of the split of each in `names`, and its group."""

    names: Sequence[str]
    splits: NDArray[np.uint8]
    groups: NDArray[np.uint64]

    def taken(self, rows: NDArray[np.int64]) -> Places:
        """Those of them, in that order."""
        return Places(self.names, self.splits[rows], self.groups[rows])

    def files(self) -> Counter[str]:
        """The number of files in each split that has any."""
        return Counter(self.names[i] for i in self.splits)

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Place]:
        named = zip(self.splits, self.groups, strict=True)
        return (Place(self.names[split], _called(group)) for split, group in named)


def places(
    members: Iterable[Member],
    hashes: Sequence[NDArray[np.uint8]],
    shares: Mapping[str, float],
    *,
    near_bits: int,
    seed: int,
) -> Places:
    """The place of each member. Near-duplicates differ by at most `near_bits` in any of `hashes`,
    each (n, 128), packed.
    """
    categories: list[str] = []

    def noted() -> Iterator[Member]:
        for member in members:
            categories.append(sys.intern(member.category))
            yield member

    pairs = itertools.chain.from_iterable(near(one, near_bits) for one in hashes)
    found = groups(noted(), pairs)
    return Places([*shares], assign(found, categories, shares, seed=seed), found)


def shortfalls(places: Places, shares: Mapping[str, float]) -> list[str]:
    """A sentence for each split that is empty or misses its share by more than a fifth of it."""
    total, found = len(places), places.files()
    missed = [
        f"Split {name} has {found[name]} of {total} files ({found[name] / total:.0%}), not its "
        f"share of {share:.0%}."
        for name, share in shares.items()
        if total and abs(found[name] - share * total) > share * total / _TOLERATED
    ]
    if not missed:
        return []
    _, sizes = np.unique(places.groups, return_counts=True)
    return [
        *missed,
        f"Groups: {len(sizes)}, the largest with {sizes.max()} of {total} files. A whole "
        "group goes to one split; label.group_by says what a group is.",
    ]


def near(hashes: NDArray[np.uint8], max_bits: int, *, k: int = 16) -> Iterator[tuple[int, int]]:
    """Pairs of rows i < j of `hashes` (n, 128) that differ by at most `max_bits`.

    Each row's `k` nearest are looked at, and four times as many where all of those are near.
    """
    for start in range(0, len(hashes), _SEARCHED_TOGETHER):
        rows, own_k = np.arange(start, min(start + _SEARCHED_TOGETHER, len(hashes))), k
        while len(rows):
            own_k = min(own_k, len(hashes))
            index, distance = search.nearest(hashes[rows], hashes, k=own_k)
            is_near = distance <= max_bits
            full = is_near[:, -1] & (own_k < len(hashes))
            found, at = np.nonzero(is_near & (index > rows[:, np.newaxis]) & ~full[:, np.newaxis])
            yield from zip(rows[found].tolist(), index[found, at].tolist(), strict=True)
            rows, own_k = rows[full], 4 * own_k


def near_reference(hashes: NDArray[np.uint8], max_bits: int) -> Iterator[tuple[int, int]]:
    """The same pairs as `near`, slowly and obviously."""
    for i, one in enumerate(hashes):
        bits = np.unpackbits(one ^ hashes[i + 1 :], axis=1).sum(axis=1)
        yield from ((i, i + 1 + int(j)) for j in np.flatnonzero(bits <= max_bits))


def groups(members: Iterable[Member], near_pairs: Iterable[tuple[int, int]]) -> NDArray[np.uint64]:
    """The group of each member. Together stay those of one specimen, one JPEG, or equal bytes, and
    those that `near_pairs` names by position; and whatever these bring together in turn.

    A group is called by the least digest of its files, shortened: here as a number.
    """
    contents, jpegs, specimens = array("Q"), array("Q"), array("Q")
    for i, member in enumerate(members):
        contents.append(int(member.sha256[:16], 16))
        jpegs.append(_number(member.JPEG_sha256))
        specimens.append(_number(str(i) if member.specimen is None else f"of {member.specimen}"))
    rows = np.arange(len(contents))
    leader = array("q", rows.tobytes())
    for numbers in (contents, jpegs, specimens):
        _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
        for row in np.flatnonzero(first[which] != rows):
            _unite(leader, int(first[which[row]]), int(row))
    for i, j in near_pairs:
        _unite(leader, i, j)
    leaders = np.fromiter((_find(leader, int(i)) for i in rows), np.int64, len(rows))
    names = np.array(contents, np.uint64) >> np.uint64(64 - 4 * _ID_DIGITS)
    least = names.copy()
    np.minimum.at(least, leaders, names)
    return least[leaders]


def assign(
    group_of: NDArray[np.uint64],
    category_of: Sequence[str],
    shares: Mapping[str, float],
    *,
    seed: int,
) -> NDArray[np.uint8]:
    """The split of each file; `shares` gives the splits' names and shares, which sum to 1.

    Returned are numbers of splits in the order of `shares`. Large groups are placed first, each
    where its categories lack most, so that every split gets its share of every category as far as
    whole groups allow; where two lack as much of them, the one that lacks more files. Groups of one
    file each are shared out to less than one file. A split with share 0 gets nothing.
    """
    totals = Counter(category_of)
    categories = sorted(totals)  # a sum of floats depends on its order
    number = {category: i for i, category in enumerate(categories)}
    names, which, sizes = np.unique(group_of, return_inverse=True, return_counts=True)
    cells = which * len(categories) + np.fromiter(map(number.__getitem__, category_of), np.int64)
    cells, counts = np.unique(cells, return_counts=True)
    ends = np.searchsorted(cells, np.arange(len(names) + 1) * len(categories))
    lacking = {
        name: {category: share * total for category, total in totals.items()}
        for name, share in shares.items()
    }
    room = {name: share * len(category_of) for name, share in shares.items()}
    chosen = np.zeros(len(names), np.uint8)
    for group in np.lexsort((*_drawn(seed, names).T[::-1], -sizes)):
        own = slice(ends[group], ends[group + 1])
        held = [
            (categories[i], count)
            for i, count in zip(
                (cells[own] % len(categories)).tolist(), counts[own].tolist(), strict=True
            )
        ]
        split = max(lacking, key=lambda name: (_need(lacking[name], held, totals), room[name]))
        for category, count in held:
            lacking[split][category] -= count
            room[split] -= count
        chosen[group] = [*shares].index(split)
    return chosen[which]


def _need(
    lacking: Mapping[str, float], counts: list[tuple[str, int]], totals: Mapping[str, int]
) -> float:
    """How much of what a group holds a split still lacks; rare categories count as common ones."""
    return sum(count * lacking[category] / totals[category] for category, count in counts)


def _number(key: str) -> int:
    """Of 64 bits: of ten million files two share one by chance once in a million runs."""
    return int.from_bytes(hashlib.sha256(key.encode(errors="surrogateescape")).digest()[:8])


def _unite(leader: array[int], i: int, j: int) -> None:
    leader[_find(leader, j)] = _find(leader, i)


def _find(leader: array[int], i: int) -> int:
    while leader[i] != i:
        leader[i] = leader[leader[i]]
        i = leader[i]
    return i


def _drawn(seed: int, groups: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """(n, 4): a number of 256 bits for each."""
    found = bytearray()
    for group in groups:
        found += hashlib.sha256(f"{seed} {_called(group)}".encode()).digest()
    return np.frombuffer(found, ">u8").reshape(-1, 4).astype(np.uint64)


def _called(group: np.uint64) -> str:
    return f"{group:0{_ID_DIGITS}x}"
