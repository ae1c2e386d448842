"""All scores of one candidate: what the verdict rests on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import histogram, standardise
from backlabel.images.encoding import Table
from backlabel.kernels.lookup import through
from backlabel.kernels.resize import resize
from backlabel.matching.decide import Candidate
from backlabel.matching.histogram_matching import matching_table
from backlabel.matching.recompression import SURE, best_making, chance, correlation
from backlabel.matching.registration import register
from backlabel.matching.ssim import ssim, ssim_of_pair
from backlabel.matching.variants import Variant

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)

WORTH_A_LOOK = 0.2
"""Noise correlation below which recompression cannot help: hard negatives reach it, copies do."""


@dataclass(frozen=True)
class Planes:
    """A TIFF and a JPEG brought to the same pixels."""

    ours: Grey
    """Of the TIFF what the JPEG shows, in its own size."""
    theirs: Grey
    """Of the JPEG what the TIFF shows."""
    small: Grey
    """`ours` in the size of `theirs`."""
    whole: bool
    """Whether nothing of the JPEG was cut away: else its blocks of 8x8 pixels lie elsewhere."""

    @classmethod
    def of(cls, tiff: Grey, jpeg: Grey, variant: Variant) -> Self:
        """From the images as they are."""
        ours, theirs = register(tiff, jpeg, variant)
        return cls(ours, theirs, resize(ours, theirs.shape), theirs.shape == jpeg.shape)

    @cached_property
    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return histogram(self.ours), histogram(self.theirs)

    def standardised(self) -> tuple[Grey, Grey]:
        """Both standardised, in their own sizes."""
        ours, theirs = self._counts
        return standardise(self.ours, ours), standardise(self.theirs, theirs)

    def ssim_standardised(self) -> float:
        """The SSIM of both standardised, in the larger one's size."""
        return ssim_of_pair(self.standardised())

    def matched(self) -> tuple[Grey, Grey]:
        """`small`, and `theirs` with its histogram."""
        wanted = self._counts[0] if self.small is self.ours else histogram(self.small)
        return self.small, through(matching_table(self._counts[1], wanted), self.theirs)

    def ssim_matched(self) -> float:
        """The SSIM of `matched`."""
        return ssim(*self.matched())


def verify(candidate: Candidate, planes: Planes, quantisation: Table | None) -> Candidate:
    """`candidate` with its scores; `quantisation` is the JPEG's, None where it has none.

    A score that it has already is kept, so that batches may compute it beforehand. The SSIM of the
    standardised images is taken in the larger one's size, the others in the JPEG's.
    """
    known = candidate
    scored = dataclasses.replace(
        candidate,
        ssim=planes.ssim_standardised() if known.ssim is None else known.ssim,
        ssim_matched=planes.ssim_matched() if known.ssim_matched is None else known.ssim_matched,
        noise_correlation_direct=correlation(planes.small, planes.theirs)
        if known.noise_correlation_direct is None
        else known.noise_correlation_direct,
    )
    return _alike(scored, planes.ours, planes.theirs, quantisation if planes.whole else None)


def _alike(candidate: Candidate, ours: Grey, theirs: Grey, table: Table | None) -> Candidate:
    if (
        candidate.noise_correlation_direct is not None
        and candidate.noise_correlation_direct >= SURE
    ):
        return candidate
    value, making = best_making(ours, theirs, table)
    doubtful = value is not None and WORTH_A_LOOK <= value < SURE
    return dataclasses.replace(
        candidate,
        noise_correlation_recompressed=value,
        noise_correlation_by_chance=chance(ours, making) if doubtful else None,
    )
