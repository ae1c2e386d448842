"""The bytes of one tag, with a limit that holds before anything is read."""

from __future__ import annotations

import struct

from backlabel.errors import UnreadableImageError
from backlabel.images.ifd import Directory, Layout

MAX_BYTES = 4 << 20
"""The longest tag that is read; real ones have some ten thousand bytes."""

_BYTE_TYPES = (1, 2, 6, 7)  # byte, text, signed byte, undefined: all that vendors use


def raw(layout: Layout, page: Directory, tag: int) -> bytes:
    """The value of `tag` as it lies in the file. Source: TIFF 6.0 (Adobe, 1992), section 2.

    Raises UnreadableImageError where the tag is missing, holds no bytes or text, is longer than
    MAX_BYTES, or lies outside of the file.
    """
    kind, size, field = _entry(layout, page, tag)
    if kind not in _BYTE_TYPES:
        raise UnreadableImageError("corrupt", f"it is of type {kind} and no text")
    if size > MAX_BYTES:
        raise UnreadableImageError(
            "too large", f"it has {size} bytes, the limit is {MAX_BYTES >> 20} MiB"
        )
    if size <= len(field):
        return field[:size]
    (position,) = struct.unpack(layout.order + layout.pointer, field)
    return layout.read(position, size)


def _entry(layout: Layout, page: Directory, tag: int) -> tuple[int, int, bytes]:
    """Type, number of values, and the field that holds the value or its position."""
    head = struct.Struct(f"{layout.order}HH{layout.pointer}")
    counted = layout.read(page.position, layout.count_size)
    (entries,) = struct.unpack(layout.order + layout.count, counted)
    for at in range(entries):
        start = page.position + layout.count_size + at * layout.entry_size
        entry = layout.read(start, layout.entry_size)
        found, kind, count = head.unpack_from(entry)
        if found == tag:
            return kind, count, entry[head.size :]
    raise UnreadableImageError("corrupt", f"there is no tag {tag}")
