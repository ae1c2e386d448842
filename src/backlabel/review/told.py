"""What the page is told of pairs, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backlabel.matching.evidence import Box, Placement
from backlabel.microscope.acquisition import Acquisition
from backlabel.review import bars
from backlabel.review.book import Book
from backlabel.review.desk import AGAIN, Desk, Pair
from backlabel.review.subject import Subject
from backlabel.storage import names
from backlabel.storage.rows import Match, PageKey, TiffHash

_RELATED = 60  # shown of the pairs that share a JPEG
_METADATA = {
    "pixel_size_nm": ("Pixel size", "nm"),
    "magnification": ("Magnification", "x"),
    "accelerating_voltage_kv": ("Voltage", "kV"),
    "working_distance_mm": ("Working distance", "mm"),
    "detector": ("Detector", ""),
    "date": ("Taken", ""),
    "instrument": ("Instrument", ""),
    "note": ("Note", ""),
}


def brief(desk: Desk, pair: Pair) -> list[Any]:
    """A line of the queue: id, file name, verdict, margin, category."""
    row = pair.row
    slack = None if pair.slack is None else round(pair.slack, 3)
    return [
        pair.id,
        names.to_cell(row.TIFF_file),
        row.verdict.value,
        slack,
        desk.category(row),
    ]


def whole(desk: Desk, book: Book, pair: Pair) -> dict[str, Any]:
    """All that is shown of one pair but its pictures and its metadata."""
    row = pair.row
    made = book.of(*row.key)
    state = desk.state(pair, book)
    return {
        "id": pair.id,
        "tiff": names.to_cell(row.TIFF_path) + (f", page {row.page}" if row.page > 1 else ""),
        "tiff_size": _size(desk.tiffs, row.key),
        "best": _jpeg(desk, row.JPEG_path),
        "runner_up": _jpeg(desk, row.runner_up_path),
        "verdict": row.verdict.value,
        "reason": row.reason,
        "variant": row.variant,
        "bars": [asdict(bar) for bar in bars.bars(row, desk.params.compare)],
        "state": state,
        "again": desk.why_again(pair, book, made) if state == AGAIN else "",
        "decisions": [
            {
                "decision": one.decision.value,
                "label": one.label,
                "who": one.who,
                "why": one.why,
                "jpeg": names.to_cell(one.JPEG_path or ""),
            }
            for one in made
        ],
        "related": _related(desk, book, pair),
    }


def metadata(taken: Acquisition) -> list[list[str]]:
    """Name and value of what is known of how a TIFF was taken."""
    found = []
    for field, (name, unit) in _METADATA.items():
        value = getattr(taken, field)
        if value not in (None, ""):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            found.append([name, f"{text} {unit}".strip()])
    return found


def subject(desk: Desk, pair: Pair, *, runner_up: bool) -> Subject:
    """The files of a pair, or of its TIFF and the runner-up, as pictures are made of them."""
    row = pair.row
    path = row.runner_up_path if runner_up else row.JPEG_path
    jpeg = desk.jpegs.get(path or "")
    return Subject(
        tiff=row.TIFF_path,
        page=row.page,
        tiff_sha256=row.TIFF_sha256 or "",
        jpeg=jpeg.path if jpeg else None,
        jpeg_sha256=jpeg.sha256 if jpeg else None,
        variant=None if runner_up else row.variant,
        part=None if runner_up else _part(row),
    )


def _part(row: Match) -> Placement | None:
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


def _jpeg(desk: Desk, path: str | None) -> dict[str, Any] | None:
    jpeg = desk.jpegs.get(path or "")
    if jpeg is None:
        return None
    return {
        "path": names.to_cell(jpeg.path),
        "label": jpeg.label,
        "category": jpeg.category,
        "size": [jpeg.width, jpeg.height],
    }


def _size(known: Mapping[PageKey, TiffHash], key: PageKey) -> list[int] | None:
    image = known.get(key)
    return [image.width, image.height] if image else None


def _related(desk: Desk, book: Book, pair: Pair) -> list[dict[str, Any]]:
    """The other TIFFs for which one of this pair's JPEGs is the best or the second."""
    own: Match = pair.row
    found: dict[str, Pair] = {}
    for jpeg in (own.JPEG_path, own.runner_up_path):
        for other in desk.by_jpeg.get(jpeg or "", []):
            if other.id != pair.id:
                found.setdefault(other.id, other)
    return [
        {
            "id": other.id,
            "name": names.to_cell(other.row.TIFF_path),
            "verdict": other.row.verdict.value,
            "shares": _shared(own, other.row),
            "runner_up": own.JPEG_path != other.row.JPEG_path
            and own.JPEG_path == other.row.runner_up_path,
            "state": desk.state(other, book),
        }
        for other in list(found.values())[:_RELATED]
    ]


def _shared(own: Match, other: Match) -> str:
    if other.JPEG_path == own.JPEG_path:
        return "same JPEG"
    if other.JPEG_path == own.runner_up_path:
        return "has this pair's runner-up"
    return "has this JPEG as runner-up" if other.runner_up_path == own.JPEG_path else "runner-up"
