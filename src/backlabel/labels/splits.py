"""Train, validation and test sets that share nothing: no specimen, no near-duplicate, no JPEG.

Files that must stay together form a group; a whole group goes to one split. Which one depends on
the contents of the files and on the seed, not on the order of rows or on names of folders.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlabel.matching import search

_ID_DIGITS = 12
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


def places(
    members: Sequence[Member],
    hashes: Sequence[NDArray[np.uint8]],
    shares: Mapping[str, float],
    *,
    near_bits: int,
    seed: int,
) -> list[Place]:
    """The place of each member. Near-duplicates differ by at most `near_bits` in any of `hashes`,
    each (n, 128), packed.
    """
    pairs = itertools.chain.from_iterable(near(one, near_bits) for one in hashes)
    found = groups(members, pairs)
    chosen = assign(found, [member.category for member in members], shares, seed=seed)
    return [Place(split, group) for split, group in zip(chosen, found, strict=True)]


def shortfalls(places: Sequence[Place], shares: Mapping[str, float]) -> list[str]:
    """A sentence for each split that is empty or misses its share by more than a fifth of it."""
    total, found = len(places), Counter(place.split for place in places)
    missed = [
        f"Split {name} has {found[name]} of {total} files ({found[name] / total:.0%}), not its "
        f"share of {share:.0%}."
        for name, share in shares.items()
        if total and abs(found[name] - share * total) > share * total / _TOLERATED
    ]
    if not missed:
        return []
    groups = Counter(place.group for place in places)
    return [
        *missed,
        f"Groups: {len(groups)}, the largest with {max(groups.values())} of {total} files. A whole "
        "group goes to one split; label.group_by says what a group is.",
    ]


def near(hashes: NDArray[np.uint8], max_bits: int, *, k: int = 16) -> Iterator[tuple[int, int]]:
    """Pairs of rows i < j of `hashes` (n, 128) that differ by at most `max_bits`.

    Each row's `k` nearest are looked at, and four times as many where all of those are near.
    """
    rows = np.arange(len(hashes))
    while len(rows):
        k = min(k, len(hashes))
        index, distance = search.nearest(hashes[rows], hashes, k=k)
        full = (distance[:, -1] <= max_bits) & (k < len(hashes))
        for i, others, bits in zip(rows[~full], index[~full], distance[~full], strict=True):
            yield from ((int(i), int(j)) for j in others[bits <= max_bits] if i < j)
        rows, k = rows[full], 4 * k


def near_reference(hashes: NDArray[np.uint8], max_bits: int) -> Iterator[tuple[int, int]]:
    """The same pairs as `near`, slowly and obviously."""
    for i, one in enumerate(hashes):
        bits = np.unpackbits(one ^ hashes[i + 1 :], axis=1).sum(axis=1)
        yield from ((i, i + 1 + int(j)) for j in np.flatnonzero(bits <= max_bits))


def groups(members: Sequence[Member], near_pairs: Iterable[tuple[int, int]]) -> list[str]:
    """The group of each member. Together stay those of one specimen, one JPEG, or equal bytes, and
    those that `near_pairs` names by position; and whatever these bring together in turn.

    A group is called by the least digest of its files, shortened.
    """
    leader = list(range(len(members)))
    for i, j in _same(members):
        _unite(leader, i, j)
    for i, j in near_pairs:
        _unite(leader, i, j)
    names: dict[int, str] = {}
    for i, member in enumerate(members):
        first = _find(leader, i)
        names[first] = min(names.get(first, member.sha256), member.sha256)
    return [names[_find(leader, i)][:_ID_DIGITS] for i in range(len(members))]


def assign(
    group_of: Sequence[str], category_of: Sequence[str], shares: Mapping[str, float], *, seed: int
) -> list[str]:
    """The split of each file; `shares` gives the splits' names and shares, which sum to 1.

    Large groups are placed first, each where its categories lack most, so that every split gets its
    share of every category as far as whole groups allow; where two lack as much of them, the one
    that lacks more files. Groups of one file each are shared out to less than one file. A split
    with share 0 gets nothing.
    """
    totals = Counter(category_of)
    contents: dict[str, Counter[str]] = {}
    for group, category in zip(group_of, category_of, strict=True):
        contents.setdefault(group, Counter())[category] += 1
    lacking = {
        name: {category: share * total for category, total in totals.items()}
        for name, share in shares.items()
    }
    room = {name: share * len(category_of) for name, share in shares.items()}
    chosen: dict[str, str] = {}
    for group in sorted(contents, key=lambda name: (-contents[name].total(), _drawn(seed, name))):
        counts = sorted(contents[group].items())  # a sum of floats depends on its order
        split = max(lacking, key=lambda name: (_need(lacking[name], counts, totals), room[name]))
        for category, count in counts:
            lacking[split][category] -= count
            room[split] -= count
        chosen[group] = split
    return [chosen[group] for group in group_of]


def _need(
    lacking: Mapping[str, float], counts: list[tuple[str, int]], totals: Mapping[str, int]
) -> float:
    """How much of what a group holds a split still lacks; rare categories count as common ones."""
    return sum(count * lacking[category] / totals[category] for category, count in counts)


def _same(members: Sequence[Member]) -> Iterator[tuple[int, int]]:
    first: dict[tuple[str, str], int] = {}
    for i, member in enumerate(members):
        keys = [("bytes", member.sha256), ("jpeg", member.JPEG_sha256)]
        if member.specimen is not None:
            keys.append(("specimen", member.specimen))
        for key in keys:
            yield first.setdefault(key, i), i


def _unite(leader: list[int], i: int, j: int) -> None:
    leader[_find(leader, j)] = _find(leader, i)


def _find(leader: list[int], i: int) -> int:
    while leader[i] != i:
        leader[i] = leader[leader[i]]
        i = leader[i]
    return i


def _drawn(seed: int, group: str) -> str:
    return hashlib.sha256(f"{seed} {group}".encode()).hexdigest()
