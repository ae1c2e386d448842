"""All scores of one pair, from the pixels of both images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from backlabel.hashing import Hashes, frequencies, hash_image, standardise
from backlabel.images import GreyImage
from backlabel.images.encoding import Table
from backlabel.kernels.resize import resize, to_common_size
from backlabel.matching.evidence import DECIMALS, Scores
from backlabel.matching.registration import register
from backlabel.matching.ssim import Window, ssim_of_pair, ssim_reference
from backlabel.matching.variants import Block, Variant, apply
from backlabel.matching.verify import Verified, verify


@dataclass(frozen=True)
class Registered:
    """A TIFF and a JPEG, cropped and oriented so that they show the same."""

    tiff: GreyImage
    """In its own size."""
    jpeg: GreyImage
    """Its first pixel is the first of one of its blocks of 8x8."""
    scale: float = 1.0
    """What the TIFF was scaled by to be in the size that it has here."""

    @classmethod
    def of(
        cls,
        tiff: GreyImage,
        jpeg: GreyImage,
        variant: Variant,
        resize: Callable[[GreyImage, tuple[int, ...]], GreyImage] = resize,
    ) -> Self:
        """From the images as they are, (H, W) each."""
        # `register` brings what lost its borders to the JPEG's size.
        is_cut = variant.source == "border"
        scale = jpeg.shape[1] / apply(variant, tiff).shape[1] if is_cut else 1.0
        return cls(*register(tiff, jpeg, variant, resize), scale)

    def standardised(self) -> tuple[GreyImage, GreyImage]:
        """Both standardised, in their own sizes."""
        return standardise(self.tiff), standardise(self.jpeg)


class Verify(Protocol):
    """How much of the JPEG the TIFF explains, given the JPEG's quantisation; see `verify`."""

    def __call__(
        self, tiff: GreyImage, jpeg: GreyImage, table: Table | None, *, scale: float = 1.0
    ) -> Verified: ...


@dataclass(frozen=True)
class Measures:
    """The arithmetic that scores rest on: the fast one here, or that of `reference`."""

    resize: Callable[[GreyImage, tuple[int, ...]], GreyImage]
    ssim_standardised: Callable[[Registered, Window], float]
    """SSIM of both standardised, in the larger one's size."""
    verify: Verify
    frequencies: Callable[[GreyImage], Block]
    hash_image: Callable[[GreyImage], Hashes]


def score(pair: Registered, table: Table | None, window: Window, measures: Measures) -> Scores:
    """All scores. `table` is the JPEG's quantisation, None where it states none."""
    return assembled(
        measures.ssim_standardised(pair, window),
        measures.verify(pair.tiff, pair.jpeg, table, scale=pair.scale),
    )


def ssim_alone(pair: Registered, window: Window, measures: Measures) -> Scores:
    """The SSIM of the standardised images, for rules that read no other score."""
    return Scores(rounded(measures.ssim_standardised(pair, window)))


def assembled(ssim: float, verified: Verified) -> Scores:
    """All scores, rounded."""
    return Scores(
        ssim=rounded(ssim),
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


FAST = Measures(
    resize=resize,
    ssim_standardised=_ssim_standardised,
    verify=verify,
    frequencies=frequencies,
    hash_image=hash_image,
)
