"""All scores of one candidate: what the verdict rests on."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import standardise
from backlabel.images.encode import Table
from backlabel.matching.alike import alike
from backlabel.matching.decide import Candidate
from backlabel.matching.histogram import match_histogram
from backlabel.matching.register import register
from backlabel.matching.residual import block_correlation_batch
from backlabel.matching.resize import to_common_size
from backlabel.matching.ssim import ssim
from backlabel.matching.variants import Variant

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)

PLAIN_ENOUGH = 0.95
"""Noise in common from which nothing is gained by compressing the TIFF alike as well."""
_MEMORY_MIB = 1024  # unused on the CPU path beyond its check


def verify(
    candidate: Candidate, tiff: Grey, jpeg: Grey, variant: Variant, table: Table | None
) -> Candidate:
    """`candidate` with its scores; `table` is the JPEG's quantisation, None where it has none.

    A score that it has already is kept, so that batches may compute it beforehand. The SSIM of the
    standardised images is taken in the larger one's size, the others in the JPEG's.
    """
    ours, theirs = register(tiff, jpeg, variant)
    value = candidate.ssim
    if value is None:
        value = ssim(*to_common_size(standardise(ours), standardise(theirs)))
    noise = _noise_in_common(ours, theirs)
    in_place = theirs.shape == jpeg.shape  # else the blocks of 8x8 pixels do not lie where they lay
    return dataclasses.replace(
        candidate,
        ssim=value,
        ssim_matched=ssim(ours, match_histogram(theirs, ours)),
        residual=noise,
        residual_alike=_noise_in_common(alike(ours, theirs, table), theirs)
        if table is not None and in_place and (noise is None or noise < PLAIN_ENOUGH)
        else None,
    )


def _noise_in_common(a: Grey, b: Grey) -> float | None:
    """Median residual correlation over blocks; None where no block varies in both."""
    return block_correlation_batch([(a, b)], device="cpu", batch_size=1, memory_mib=_MEMORY_MIB)[0]
