"""Near pairs by any variant and either hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.evidence import NearPair
from backlabel.matching.near_pairs import Queries, near_pairs
from backlabel.matching.variants import Variant

ZEROS = np.zeros((3, 128), np.uint8)


def bits(count: int) -> NDArray[np.uint8]:
    """A hash with the first `count` bits set."""
    return np.packbits(np.arange(1024) < count)


def test_either_hash_finds_and_both_are_reported() -> None:
    standardised = np.stack([bits(300), bits(5), bits(400)])
    grey = np.stack([bits(2), bits(500), bits(400)])
    query = [(Variant("identity"), bits(0), bits(0))]
    (found,) = near_pairs(Queries.of([query]), standardised, grey, k=2)
    assert found == [
        NearPair(0, 300, 2),
        NearPair(1, 5, 500),
    ]


def test_the_nearest_variant_counts() -> None:
    base = np.stack([bits(100), bits(40)])
    queries = [
        (Variant("identity"), bits(0), bits(0)),
        (Variant("flip_h"), bits(90), bits(90)),
    ]
    (found,) = near_pairs(Queries.of([queries]), base, base, k=2)
    assert found == [
        NearPair(0, 10, 10, "flip_h"),
        NearPair(1, 40, 40, "identity"),
    ]


def test_ties_go_to_the_lower_row_and_the_first_variant() -> None:
    queries = [(Variant(name), bits(0), bits(0)) for name in ("identity", "rot180")]
    (found,) = near_pairs(Queries.of([queries]), ZEROS, ZEROS, k=2)
    assert [(one.row, one.variant) for one in found] == [(0, "identity"), (1, "identity")]


def test_tiffs_are_kept_apart() -> None:
    base = np.stack([bits(0), bits(700)])
    near, none, far = (
        [(Variant("identity"), bits(1), bits(1))],
        [],
        [(Variant("flip_v"), bits(699), bits(650)), (Variant("identity"), bits(690), bits(690))],
    )
    assert [*near_pairs(Queries.of([near, none, far]), base, base, k=1)] == [
        [NearPair(0, 1, 1)],
        [],
        [NearPair(1, 1, 50, "flip_v")],
    ]


def test_many_tiffs_one_after_the_other_that_have_no_hash_to_search_for() -> None:
    base = np.stack([bits(0), bits(700)])
    query = [(Variant("identity"), bits(1), bits(1))]
    found = [*near_pairs(Queries.of([query, *[[]] * 1000, query]), base, base, k=1)]
    assert found == [[NearPair(0, 1, 1)], *[[]] * 1000, [NearPair(0, 1, 1)]]


def test_one_hash_alone() -> None:
    base = np.stack([bits(9), bits(4)])
    query = Queries.of([[(Variant("identity"), bits(0), bits(9))]])
    ((found,),) = near_pairs(query, base, None, k=1)
    assert found == NearPair(1, 4, None)


def slowly(
    query: list[tuple[Variant, NDArray[np.uint8], NDArray[np.uint8]]],
    bases: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    k: int,
) -> list[NearPair]:
    """Every JPEG by every variant, of which the nearest `k` are chosen."""
    best: dict[int, NearPair] = {}
    for variant, *hashes in query:
        far, far_grey = (
            np.bitwise_count(base ^ own).sum(axis=1).tolist()
            for base, own in zip(bases, hashes, strict=True)
        )
        for row, bits in enumerate(zip(far, far_grey, strict=True)):
            one = NearPair(row, *bits, str(variant))
            if row not in best or one.distance < best[row].distance:
                best[row] = one
    return sorted(best.values(), key=lambda one: (one.distance, one.row))[:k]


def test_pairs_are_those_of_looking_at_all() -> None:
    random = np.random.default_rng(8)

    def some(count: int) -> NDArray[np.uint8]:
        return np.stack([bits(each) for each in random.integers(0, 12, count)])

    bases = some(30), some(30)
    queries = [
        [(Variant(name), *some(2)) for name in ("identity", "flip_h", "rot180")[:many]]
        for many in random.integers(0, 4, 1200)
    ]
    found = [*near_pairs(Queries.of(queries), *bases, k=5)]
    assert found == [slowly(query, bases, 5) for query in queries]
    assert [*near_pairs(Queries.of(queries), *bases, k=5, below=2)] == [
        own[:1] + [one for one in own[1:] if one.distance < 2] for own in found
    ]
