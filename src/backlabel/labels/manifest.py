"""The rows of the manifest that lies beside the labelled files."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.matching.decide import Verdict
from backlabel.tables import FileName


@dataclass(frozen=True)
class Labelled:
    """One file of the labelled set; `file` is its path below the set's folder."""

    file: FileName
    label: str
    category: str
    TIFF_path: FileName
    JPEG_path: FileName
    hamming_distance: int
    ssim_value: float
    verdict: Verdict
    reason: str
    margin: float | None
    bytes: int
    sha256: str
    JPEG_sha256: str
