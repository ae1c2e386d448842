"""All scores of one pair, from the pixels of both images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import Hashes, frequencies, hash_image, histogram, standardise
from backlabel.images import GreyImage
from backlabel.images.encoding import Table
from backlabel.kernels.lookup import through
from backlabel.kernels.resize import resize, to_common_size
from backlabel.matching.evidence import DECIMALS, Scores
from backlabel.matching.histogram_matching import matching_table
from backlabel.matching.recompression import (
    HIGH_ENOUGH,
    Correlation,
    best_degradation,
    correlation,
    correlation_by_chance,
)
from backlabel.matching.registration import register
from backlabel.matching.ssim import Window, ssim, ssim_of_pair, ssim_reference
from backlabel.matching.variants import Block, Variant

CHANCE_COUNTS_FROM = 0.2
"""Correlation after recompression from which the one by chance is computed: copies reach it."""


@dataclass(frozen=True)
class Registered:
    """A TIFF and a JPEG, cropped and oriented so that they show the same."""

    tiff: GreyImage
    """In its own size."""
    jpeg: GreyImage
    small: GreyImage
    """The TIFF in the size of the JPEG."""
    is_whole: bool
    """Whether nothing of the JPEG was cut away: else its blocks of 8x8 pixels lie elsewhere."""

    @classmethod
    def of(
        cls,
        tiff: GreyImage,
        jpeg: GreyImage,
        variant: Variant,
        resize: Callable[[GreyImage, tuple[int, ...]], GreyImage] = resize,
    ) -> Self:
        """From the images as they are, (H, W) each."""
        ours, theirs = register(tiff, jpeg, variant, resize)
        return cls(ours, theirs, resize(ours, theirs.shape), theirs.shape == jpeg.shape)

    def standardised(self) -> tuple[GreyImage, GreyImage]:
        """Both standardised, in their own sizes."""
        tiff, jpeg = self._counts
        return standardise(self.tiff, tiff), standardise(self.jpeg, jpeg)

    def matched(self) -> tuple[GreyImage, GreyImage]:
        """`small`, and the JPEG with its histogram."""
        wanted = self._counts[0] if self.small is self.tiff else histogram(self.small)
        return self.small, through(matching_table(self._counts[1], wanted), self.jpeg)

    @cached_property
    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return histogram(self.tiff), histogram(self.jpeg)


@dataclass(frozen=True)
class Measures:
    """The arithmetic that scores rest on: the fast one here, or that of `reference`."""

    resize: Callable[[GreyImage, tuple[int, ...]], GreyImage]
    ssim_standardised: Callable[[Registered, Window], float]
    """SSIM of both standardised, in the larger one's size."""
    ssim_matched: Callable[[Registered], float]
    """SSIM in the JPEG's size, after histogram matching."""
    correlation: Correlation
    """Median block correlation of the residuals of two images of one shape."""
    frequencies: Callable[[GreyImage], Block]
    hash_image: Callable[[GreyImage], Hashes]


@dataclass(frozen=True)
class Direct:
    """What is known of a pair before any recompression; a GPU may compute it for many at once."""

    ssim: float
    ssim_matched: float
    correlation: float | None


def direct(pair: Registered, window: Window, measures: Measures) -> Direct:
    """The scores of a pair that need no recompression."""
    return Direct(
        measures.ssim_standardised(pair, window),
        measures.ssim_matched(pair),
        measures.correlation(pair.small, pair.jpeg),
    )


def ssim_alone(pair: Registered, window: Window, measures: Measures) -> Scores:
    """The SSIM of the standardised images, for rules that read no other score."""
    return Scores(rounded(measures.ssim_standardised(pair, window)))


def score(pair: Registered, table: Table | None, known: Direct, measures: Measures) -> Scores:
    """All scores, after recompression where the pair needs it.

    `table` is the JPEG's quantisation, None where it states none.
    """
    recompressed, by_chance = None, None
    if needs_recompression(known):
        steps = table if pair.is_whole else None
        correlate = measures.correlation
        recompressed, degradation = best_degradation(pair.tiff, pair.jpeg, steps, correlate)
        if recompressed is not None and CHANCE_COUNTS_FROM <= recompressed < HIGH_ENOUGH:
            by_chance = correlation_by_chance(pair.tiff, degradation, correlate)
    return assembled(known, recompressed, by_chance)


def assembled(
    known: Direct, recompressed: float | None = None, by_chance: float | None = None
) -> Scores:
    """All scores, rounded."""
    return Scores(
        ssim=rounded(known.ssim),
        ssim_matched=rounded(known.ssim_matched),
        noise_correlation_direct=rounded(known.correlation),
        noise_correlation_recompressed=rounded(recompressed),
        noise_correlation_by_chance=rounded(by_chance),
    )


def needs_recompression(known: Direct) -> bool:
    """Whether the TIFF as it is has too little noise correlation to be called a copy at once."""
    return known.correlation is None or known.correlation < HIGH_ENOUGH


def rounded(value: float | None) -> float | None:
    """`value` to `DECIMALS`."""
    return None if value is None else round(value, DECIMALS)


def _ssim_standardised(pair: Registered, window: Window) -> float:
    if window == "gaussian":  # no kernel has it, and few ask for it
        return ssim_reference(*to_common_size(*pair.standardised()), window=window)
    return ssim_of_pair(pair.standardised())


def _ssim_matched(pair: Registered) -> float:
    return ssim(*pair.matched())


FAST = Measures(
    resize=resize,
    ssim_standardised=_ssim_standardised,
    ssim_matched=_ssim_matched,
    correlation=correlation,
    frequencies=frequencies,
    hash_image=hash_image,
)
