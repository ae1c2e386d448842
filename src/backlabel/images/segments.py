"""Where the strips or tiles of a TIFF page lie, and whether they are all there."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd
from backlabel.images.ifd import Directory
from backlabel.images.source import Source

_OLD_JPEG = 6  # a compression; its tables may lie anywhere in the file
_JPEG = {_OLD_JPEG, 7, 33007, 34892}
_START, _END = b"\xff\xd8", b"\xff\xd9"
_TAIL = 64  # bytes in which an end marker is looked for; some writers pad with NUL


@dataclass(frozen=True)
class Segments:
    """Positions and lengths in bytes, strip by strip or tile by tile."""

    offsets: tuple[int, ...]
    counts: tuple[int, ...]


def segments(page: Directory, source: Source) -> Segments:
    """All strips or tiles of `page`. Raises UnreadableImageError where one is not all there."""
    tiled = ifd.TILE_OFFSETS in page
    offsets = page.numbers(ifd.TILE_OFFSETS if tiled else ifd.STRIP_OFFSETS)
    counts = page.numbers(ifd.TILE_COUNTS if tiled else ifd.STRIP_COUNTS)
    needed = _needed_segments(page, tiled)
    if not counts and len(offsets) == 1:  # allowed in the oldest files: all the rest is the strip
        counts = (source.size - offsets[0],)
    offsets, counts = offsets[:needed], counts[:needed]
    if len(offsets) < needed or len(counts) < needed:
        raise UnreadableImageError("truncated", f"{len(offsets)} of {needed} segments are there")
    for offset, count in zip(offsets, counts, strict=True):
        if offset <= 0 or count <= 0:
            raise UnreadableImageError("truncated", "a segment is missing")
        source.require(offset, count)
    found = Segments(offsets, counts)
    if page.number(ifd.COMPRESSION, 1) in _JPEG:
        _require_whole_jpegs(page, found, source)
    return found


def _needed_segments(page: Directory, tiled: bool) -> int:
    width, height = page.number(ifd.WIDTH, 0), page.number(ifd.LENGTH, 0)
    planes = page.number(ifd.SAMPLES, 1) if page.number(ifd.PLANAR, 1) == 2 else 1  # noqa: PLR2004
    if not tiled:
        return planes * -(-height // max(1, min(page.number(ifd.ROWS_PER_STRIP, height), height)))
    across, down = page.number(ifd.TILE_WIDTH, 0), page.number(ifd.TILE_LENGTH, 0)
    if across <= 0 or down <= 0:
        raise UnreadableImageError("corrupt", f"its header says tiles of {across} x {down}")
    return planes * -(-width // across) * -(-height // down)


def _require_whole_jpegs(page: Directory, found: Segments, source: Source) -> None:
    """Each JPEG ends with its marker: the decoder behind tifffile would fill what is missing."""
    page.numbers(ifd.JPEG_TABLES)  # raises where they lie outside the file
    old = page.number(ifd.COMPRESSION, 1) == _OLD_JPEG
    for offset, count in zip(found.offsets, found.counts, strict=True):
        if old and source.read(offset, min(count, len(_START))) != _START:
            raise UnreadableImageError("unsupported", "an old-style JPEG with its tables apart")
        tail = source.read(offset + max(0, count - _TAIL), min(count, _TAIL))
        if not tail.rstrip(b"\0").endswith(_END):
            raise UnreadableImageError("truncated", "a JPEG strip or tile without its end")
