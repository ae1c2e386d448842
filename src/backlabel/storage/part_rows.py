"""The row of the table of parts."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.storage.tables import FileName


@dataclass(frozen=True)
class PartRow:
    """A JPEG that shows a part of a TIFF, or may: every place that was found, accepted or not.

    The columns are those of `Match`; `accepted` says whether the rule's limits are met there. A
    TIFF has as many rows as JPEGs show it, and a JPEG as many as it has panels.
    """

    TIFF_path: FileName
    page: int
    JPEG_path: FileName
    label: str
    category: str
    accepted: bool
    JPEG_box: str
    TIFF_box: str
    scale: float
    angle: float
    mirrored: bool
    JPEG_covered: float
    TIFF_covered: float
    hamming_distance: int
    ssim_value: float | None
    explained: float | None
    spoke: float | None
