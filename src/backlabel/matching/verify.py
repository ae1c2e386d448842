"""All scores of one candidate: what the verdict rests on."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import standardise
from backlabel.images.encode import Table
from backlabel.matching.alike import SURE, best_making, chance, correlation
from backlabel.matching.decide import Candidate
from backlabel.matching.histogram import match_histogram
from backlabel.matching.register import register
from backlabel.matching.resize import resize
from backlabel.matching.ssim import ssim, ssim_of_pair
from backlabel.matching.variants import Variant

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)

WORTH_A_LOOK = 0.2
"""Noise in common below which no way of making helps: real look-alikes reach it, copies do not."""


def verify(
    candidate: Candidate, tiff: Grey, jpeg: Grey, variant: Variant, table: Table | None
) -> Candidate:
    """`candidate` with its scores; `table` is the JPEG's quantisation, None where it has none.

    A score that it has already is kept, so that batches may compute it beforehand. The SSIM of the
    standardised images is taken in the larger one's size, the others in the JPEG's.
    """
    ours, theirs = register(tiff, jpeg, variant)
    small = resize(ours, theirs.shape)
    value = candidate.ssim
    if value is None:
        value = ssim_of_pair((standardise(ours), standardise(theirs)))
    scored = dataclasses.replace(
        candidate,
        ssim=value,
        ssim_matched=ssim(small, match_histogram(theirs, small)),
        residual=correlation(small, theirs),
    )
    # Where part of the JPEG was cut away, its blocks of 8x8 pixels lie elsewhere.
    return _alike(scored, ours, theirs, table if theirs.shape == jpeg.shape else None)


def _alike(candidate: Candidate, ours: Grey, theirs: Grey, table: Table | None) -> Candidate:
    if candidate.residual is not None and candidate.residual >= SURE:
        return candidate
    value, making = best_making(ours, theirs, table)
    doubtful = value is not None and WORTH_A_LOOK <= value < SURE
    return dataclasses.replace(
        candidate,
        residual_alike=value,
        residual_chance=chance(ours, making) if doubtful else None,
    )
