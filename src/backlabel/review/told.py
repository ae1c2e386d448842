"""What the page is told of pairs, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backlabel.matching.placing import placement
from backlabel.microscope.acquisition import Acquisition
from backlabel.review import bars
from backlabel.review.book import Book
from backlabel.review.desk import AGAIN, Desk, Pair
from backlabel.review.subject import Subject
from backlabel.storage import names
from backlabel.storage.rows import PageKey, TiffHash

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
        "jpegs": _jpegs(desk, pair),
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


def subject(desk: Desk, pair: Pair, nth: int = 0) -> Subject:
    """The files of a pair as pictures are made of them; `nth` counts its JPEGs from the best."""
    row, copies = pair.row, desk.copies(pair)
    copy = copies[nth] if nth < len(copies) else None
    jpeg = desk.jpegs.get(copy.JPEG_path or "") if copy else None
    return Subject(
        tiff=row.TIFF_path,
        page=row.page,
        tiff_sha256=row.TIFF_sha256 or "",
        jpeg=jpeg.path if jpeg else None,
        jpeg_sha256=jpeg.sha256 if jpeg else None,
        variant=copy.variant if copy else None,
        part=placement(copy) if copy else None,
    )


def _jpegs(desk: Desk, pair: Pair) -> list[dict[str, Any]]:
    """The JPEGs of a TIFF, best first."""
    known = [(copy, desk.jpegs.get(copy.JPEG_path or "")) for copy in desk.copies(pair)]
    return [
        {
            "path": names.to_cell(jpeg.path),
            "label": jpeg.label,
            "category": jpeg.category,
            "size": [jpeg.width, jpeg.height],
            "explained": copy.explained,
            "hamming_distance": copy.hamming_distance,
        }
        for copy, jpeg in known
        if jpeg
    ]


def _size(known: Mapping[PageKey, TiffHash], key: PageKey) -> list[int] | None:
    image = known.get(key)
    return [image.width, image.height] if image else None


def _related(desk: Desk, book: Book, pair: Pair) -> list[dict[str, Any]]:
    """The other TIFFs that came near one of this pair's JPEGs, each by the best that they share."""
    own = [copy.JPEG_path or "" for copy in desk.copies(pair)]
    found: dict[str, tuple[Pair, str]] = {}
    for jpeg in own:
        for other in desk.by_jpeg.get(jpeg, []):
            if other.id != pair.id:
                found.setdefault(other.id, (other, jpeg))
    return [
        {
            "id": other.id,
            "name": names.to_cell(other.row.TIFF_path),
            "verdict": other.row.verdict.value,
            "jpeg": names.to_cell(jpeg),
            "nth": own.index(jpeg),
            "its_nth": [copy.JPEG_path for copy in desk.copies(other)].index(jpeg),
            "state": desk.state(other, book),
        }
        for other, jpeg in list(found.values())[:_RELATED]
    ]
