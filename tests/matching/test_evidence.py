"""What the records of a pair derive from their fields."""

from __future__ import annotations

import pytest

from backlabel.matching.evidence import NearPair, Scores


def test_the_smaller_distance_decides() -> None:
    assert [NearPair(0, 9, grey).distance for grey in (None, 4, 12)] == [9, 4, 9]


@pytest.mark.parametrize(
    ("direct", "recompressed", "by_chance", "expected"),
    [
        (0.6, None, None, 0.6),
        (0.6, 0.8, 0.5, 0.6),  # (0.8 - 0.5) / (1 - 0.5)
        (0.6, None, -0.5, 0.6),
        (0.0, 1.0, 1.0, 1.0),
        (None, 0.7, None, 0.7),
        (None, None, None, None),
        (1 / 3, None, None, 0.333333),
    ],
    ids=[
        "as it is",
        "above chance",
        "no chance",
        "chance of one",
        "recompressed",
        "none",
        "rounded",
    ],
)
def test_noise_correlation(direct, recompressed, by_chance, expected) -> None:
    scores = Scores(
        0.9,
        noise_correlation_direct=direct,
        noise_correlation_recompressed=recompressed,
        noise_correlation_by_chance=by_chance,
    )
    assert scores.noise_correlation == expected
