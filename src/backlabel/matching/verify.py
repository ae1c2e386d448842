"""All scores of one candidate: what the verdict rests on."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import histogram, standardise
from backlabel.images.encode import Table
from backlabel.images.luma import through
from backlabel.matching.alike import SURE, best_making, chance, correlation
from backlabel.matching.decide import Candidate
from backlabel.matching.histogram import matching_table
from backlabel.matching.register import register
from backlabel.matching.resize import resize
from backlabel.matching.ssim import ssim, ssim_of_pair
from backlabel.matching.variants import Variant

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)

WORTH_A_LOOK = 0.2
"""Noise in common below which no way of making helps: real look-alikes reach it, copies do not."""


def verify(
    candidate: Candidate, tiff: Grey, jpeg: Grey, variant: Variant, quantisation: Table | None
) -> Candidate:
    """`candidate` with its scores; `quantisation` is the JPEG's, None where it has none.

    A score that it has already is kept, so that batches may compute it beforehand. The SSIM of the
    standardised images is taken in the larger one's size, the others in the JPEG's.
    """
    ours, theirs = register(tiff, jpeg, variant)
    small = resize(ours, theirs.shape)
    counts, counts_theirs = histogram(ours), histogram(theirs)
    value = candidate.ssim
    if value is None:
        standard = standardise(ours, counts), standardise(theirs, counts_theirs)
        value = ssim_of_pair(standard)
    table = matching_table(counts_theirs, counts if small is ours else histogram(small))
    scored = dataclasses.replace(
        candidate,
        ssim=value,
        ssim_matched=ssim(small, through(table, theirs)),
        residual=correlation(small, theirs),
    )
    # Where part of the JPEG was cut away, its blocks of 8x8 pixels lie elsewhere.
    return _alike(scored, ours, theirs, quantisation if theirs.shape == jpeg.shape else None)


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
