"""What the records of a pair derive from their fields."""

from __future__ import annotations

from backlabel.matching.evidence import NearPair


def test_the_smaller_distance_decides() -> None:
    assert [NearPair(0, 9, grey).distance for grey in (None, 4, 12)] == [9, 4, 9]
