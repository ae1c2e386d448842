"""Where a JPEG shows a part of a TIFF, as columns of tables, and back."""

from __future__ import annotations

from typing import Any

from backlabel.matching.evidence import Box, Placement
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.rows import Match


def columns(part: Placement | None) -> dict[str, Any]:
    """The columns that say where a part is; none where the JPEG shows the whole TIFF."""
    if part is None:
        return {}
    return {
        "JPEG_box": " ".join(map(str, part.jpeg_box)),
        "TIFF_box": " ".join(map(str, part.tiff_box)),
        "scale": part.scale,
        "angle": part.angle,
        "mirrored": part.mirrored,
        "JPEG_covered": part.jpeg_covered,
        "TIFF_covered": part.tiff_covered,
    }


def placement(row: Match | CandidateRow) -> Placement | None:
    """The part that the columns of `row` tell of."""
    if row.JPEG_box is None or row.TIFF_box is None:
        return None
    return Placement(
        jpeg_box=_box(row.JPEG_box),
        tiff_box=_box(row.TIFF_box),
        scale=row.scale or 1.0,
        angle=row.angle or 0.0,
        mirrored=bool(row.mirrored),
        jpeg_covered=row.JPEG_covered or 0.0,
        tiff_covered=row.TIFF_covered or 0.0,
    )


def _box(cell: str) -> Box:
    left, top, width, height = map(int, cell.split())
    return left, top, width, height
