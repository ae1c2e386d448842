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
from backlabel.matching.registration import register
from backlabel.matching.ssim import Window, ssim, ssim_of_pair, ssim_reference
from backlabel.matching.variants import Block, Variant
from backlabel.matching.verify import Verified, verify


@dataclass(frozen=True)
class Registered:
    """A TIFF and a JPEG, cropped and oriented so that they show the same."""

    tiff: GreyImage
    """In its own size."""
    jpeg: GreyImage
    """Its first pixel is the first of one of its blocks of 8x8."""
    small: GreyImage
    """The TIFF in the size of the JPEG."""

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
        return cls(ours, theirs, resize(ours, theirs.shape))

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
    verify: Callable[[GreyImage, GreyImage, Table | None], Verified]
    """How much of the JPEG the TIFF explains, given the JPEG's quantisation."""
    frequencies: Callable[[GreyImage], Block]
    hash_image: Callable[[GreyImage], Hashes]


def score(pair: Registered, table: Table | None, window: Window, measures: Measures) -> Scores:
    """All scores. `table` is the JPEG's quantisation, None where it states none."""
    return assembled(
        measures.ssim_standardised(pair, window),
        measures.ssim_matched(pair),
        measures.verify(pair.tiff, pair.jpeg, table),
    )


def ssim_alone(pair: Registered, window: Window, measures: Measures) -> Scores:
    """The SSIM of the standardised images, for rules that read no other score."""
    return Scores(rounded(measures.ssim_standardised(pair, window)))


def assembled(ssim: float, ssim_matched: float, verified: Verified) -> Scores:
    """All scores, rounded."""
    return Scores(
        ssim=rounded(ssim),
        ssim_matched=rounded(ssim_matched),
        explained=rounded(verified.explained),
        spoke=rounded(verified.spoke),
        degradation=verified.degradation,
    )


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
    verify=verify,
    frequencies=frequencies,
    hash_image=hash_image,
)
