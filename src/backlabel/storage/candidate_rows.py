"""The row of the table of candidates."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.storage.rows import PageKey
from backlabel.storage.tables import FileName


@dataclass(frozen=True)
class CandidateRow:
    """A JPEG that came near a TIFF, accepted or not; of a part one of its places.

    The columns are those of `Match`; `accepted` says whether the rule's limits are met there. A
    TIFF has as many rows as JPEGs came near it, and a JPEG as many as it has panels.
    """

    TIFF_path: FileName
    page: int
    rank: int
    """1 for the JPEG of the mapping, 2 for its runner-up, and so on."""
    JPEG_path: FileName
    label: str
    category: str
    accepted: bool
    variant: str
    hamming_distance: int
    ssim_value: float | None
    explained: float | None
    spoke: float | None
    JPEG_box: str | None = None
    TIFF_box: str | None = None
    scale: float | None = None
    angle: float | None = None
    mirrored: bool | None = None
    JPEG_covered: float | None = None
    TIFF_covered: float | None = None

    @property
    def key(self) -> PageKey:
        """Of which picture it is a candidate."""
        return self.TIFF_path, self.page
