"""The rows of the tables that the compare stage writes."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.matching.decide import Verdict
from backlabel.tables import FileName


@dataclass(frozen=True)
class Match:
    """What was found for one TIFF, and why it was decided so.

    The JPEG and the scores are those of the best candidate, or of the nearest JPEG where nothing
    is near enough to be a candidate. Only a match has `label` and `category`.
    """

    TIFF_file: FileName
    TIFF_path: FileName
    JPEG_file: FileName | None = None
    JPEG_path: FileName | None = None
    hamming_distance: int | None = None
    """The smaller of the two below: the one that decides."""
    ssim_value: float | None = None
    used_ssim: bool = False
    verdict: Verdict = Verdict.NO_CANDIDATE
    reason: str = ""
    label: str | None = None
    category: str | None = None
    certain_label: str | None = None
    """The label, where every JPEG that passes carries it, even if the pair is ambiguous."""
    variant: str | None = None
    """By which change of the TIFF the JPEG was found."""
    hamming_standardised: int | None = None
    hamming_grey: int | None = None
    ssim_matched: float | None = None
    residual: float | None = None
    residual_alike: float | None = None
    residual_chance: float | None = None
    noise_in_common: float | None = None
    runner_up_path: FileName | None = None
    runner_up_hamming: int | None = None
    runner_up_ssim: float | None = None
    runner_up_noise: float | None = None
    margin: float | None = None
    TIFF_sha256: str | None = None
    JPEG_sha256: str | None = None


@dataclass(frozen=True)
class SweepPoint:
    """The share of TIFFs that would be matched if one threshold had another value.

    `precision` and `recall` are known where the true pairs are.
    """

    threshold: str
    value: float
    match_rate: float
    precision: float | None
    recall: float | None
