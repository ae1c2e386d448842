"""The directories of a TIFF, read without decoding anything: bounded in time and memory.

Written here, and not taken from a library, because the limits must hold before a library sees the
file. Source: TIFF 6.0 (Adobe, 1992), section 2; BigTIFF as in libtiff's design note.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from backlabel.errors import UnreadableImageError

Reader = Callable[[int, int], bytes]
"""(position, length) -> exactly that many bytes, or UnreadableImageError."""

SUBFILE_TYPE, WIDTH, LENGTH, BITS, COMPRESSION = 254, 256, 257, 258, 259
PHOTOMETRIC, FILL_ORDER, STRIP_OFFSETS, ORIENTATION = 262, 266, 273, 274
SAMPLES, ROWS_PER_STRIP, STRIP_COUNTS, PLANAR = 277, 278, 279, 284
PREDICTOR, COLOUR_MAP, TILE_WIDTH, TILE_LENGTH = 317, 320, 322, 323
TILE_OFFSETS, TILE_COUNTS, SUB_IFDS, EXTRA_SAMPLES = 324, 325, 330, 338
SAMPLE_FORMAT, JPEG_TABLES, YCBCR_SUBSAMPLING, IMAGE_DEPTH = 339, 347, 530, 32997

# Types that hold whole numbers: struct code and bytes of one value.
_INTEGERS = {
    1: ("B", 1),
    3: ("H", 2),
    4: ("I", 4),
    6: ("b", 1),
    7: ("B", 1),
    8: ("h", 2),
    9: ("i", 4),
    13: ("I", 4),
    16: ("Q", 8),
    17: ("q", 8),
    18: ("Q", 8),
}
_MAX_VALUES = 1 << 20  # of one tag: a strip for each row of the largest picture
_MAX_ENTRIES = 4096  # of one directory
MAX_PAGES = 256  # pages and sub-pages that are looked at, where nothing else is said


class Directory:
    """The tags of one page, which is sub-page or page `number` of the file.

    Values are fetched when they are asked for.
    """

    def __init__(self, layout: Layout, position: int, number: int = 1) -> None:
        self._layout = layout
        self.position = position
        self.in_file = number
        self._entries: dict[int, tuple[int, int, bytes]] = {}
        self.next = self._parse()

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """All whole numbers of `tag`; `default` where it is missing or has none."""
        if tag not in self._entries:
            return default
        kind, count, field = self._entries[tag]
        if kind not in _INTEGERS or count > _MAX_VALUES:
            raise UnreadableImageError("corrupt", f"tag {tag} has an impossible type or count")
        code, size = _INTEGERS[kind]
        data = field
        if count * size > len(field):
            position = struct.unpack(self._layout.order + self._layout.pointer, field)[0]
            data = self._layout.read(position, count * size)
        return struct.unpack_from(f"{self._layout.order}{count}{code}", data) or default

    def number(self, tag: int, default: int) -> int:
        """The first whole number of `tag`."""
        return next(iter(self.numbers(tag)), default)

    @property
    def pixels(self) -> int:
        return self.number(WIDTH, 0) * self.number(LENGTH, 0)

    def _parse(self) -> int:
        layout = self._layout
        (count,) = struct.unpack(
            layout.order + layout.count, layout.read(self.position, layout.count_size)
        )
        if not 0 < count <= _MAX_ENTRIES:
            raise UnreadableImageError("corrupt", f"a TIFF directory of {count} entries")
        size = layout.entry_size
        start = self.position + layout.count_size
        table = layout.read(start, count * size)
        head = struct.Struct(f"{layout.order}HH{layout.pointer}")
        for at in range(0, len(table), size):
            tag, kind, number = head.unpack_from(table, at)
            field = table[at + head.size : at + size]
            self._entries.setdefault(tag, (kind, number, field))
        return layout.next_position(start + count * size)


class Layout:
    """Byte order and field widths of a TIFF, classic or Big, and how to read from it."""

    def __init__(self, read: Reader) -> None:
        self.read = read
        head = read(0, 8)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = head[2:4] in (b"+\0", b"\0+")
        self.pointer, self.pointer_size = ("Q", 8) if self.big else ("I", 4)
        self.count, self.count_size = ("Q", 8) if self.big else ("H", 2)
        self.entry_size = 20 if self.big else 12

    def first(self) -> int:
        """Position of the first directory."""
        return self._pointer(8 if self.big else 4)

    def next_position(self, at: int) -> int:
        """The pointer that ends a directory; 0, the end, where the file is cut before it."""
        try:
            return self._pointer(at)
        except UnreadableImageError:
            return 0

    def _pointer(self, at: int) -> int:
        data = self.read(at, self.pointer_size)
        return int(struct.unpack(self.order + self.pointer, data)[0])


@dataclass(frozen=True)
class Chain:
    """The pages of a TIFF with their sub-pages, in order."""

    found: list[Directory]
    beyond: int = 0
    """The number of the first page beyond the limit; 0 where there is none."""


def pages(layout: Layout, most: int = MAX_PAGES) -> Chain:
    """The first pages and their sub-pages, at most `most`, each position once.

    A chain that is broken after its first page ends there: the pages before are whole. Raises
    UnreadableImageError where there is no page at all.
    """
    found = [Directory(layout, layout.first())]
    seen = {found[0].position}
    waiting = _after(found[0], is_page=True)
    while waiting and len(found) < most:
        position, number, is_page = waiting.pop()
        if position in seen or position == 0:
            continue
        seen.add(position)
        try:
            found.append(Directory(layout, position, number))
            waiting += _after(found[-1], is_page=is_page)
        except UnreadableImageError:
            continue
    left = (number for at, number, is_page in waiting if is_page and at and at not in seen)
    return Chain(found, next(left, 0))


def _after(page: Directory, *, is_page: bool) -> list[tuple[int, int, bool]]:
    """What is still to visit, the nearest last: sub-pages come before the next page.

    Position, number of the page, and whether it is one of the file's chain of pages.
    """
    try:
        sub_pages = page.numbers(SUB_IFDS)[:MAX_PAGES]
    except UnreadableImageError:
        sub_pages = ()
    number = page.in_file
    following = (page.next, number + 1 if is_page else number, is_page)
    return [following, *((position, number, False) for position in reversed(sub_pages))]
