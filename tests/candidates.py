"""Candidates of given distance and scores, for tests of what is decided from them."""

from __future__ import annotations

from backlabel.matching.evidence import Candidate, NearPair, Scores


def candidate(
    row: int,
    hamming: int,
    hamming_grey: int | None = None,
    variant: str = "identity",
    label: str = "",
    degradation: str | None = None,
    **scores: float | None,
) -> Candidate:
    """A candidate that has `scores`, or none of them where none is given."""
    known = Scores(**{"ssim": None, **scores}, degradation=degradation) if scores else None
    return Candidate(NearPair(row, hamming, hamming_grey, variant), known, label)
