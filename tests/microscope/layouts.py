"""Files laid out as vendors' programs lay them out, with values of our own.

The layouts were read off files that are public, byte by byte; names of people are made up.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import tifffile

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def tiff(folder: Path, *tags: tuple[int, bytes], width: int = 8, name="one.tif", **options) -> Path:
    """A small TIFF with private tags; 7 is the type "undefined"."""
    path = folder / name
    extra = [(tag, 7, len(value), value, True) for tag, value in tags]
    grey = np.resize(GREY, (6, width))
    tifffile.imwrite(path, grey, extratags=extra, metadata=None, **options)
    return path


def lines(*written: str, end: str = "\r\n", encoding: str = "cp1252") -> bytes:
    return "".join(line + end for line in written).encode(encoding)


def zeiss(named: dict[str, str], numbers: tuple[str, ...] = ()) -> bytes:
    """Numbers without names, then each key on a line of its own above its value."""
    return lines(*numbers, *(part for key, line in named.items() for part in (key, line)))


def tescan(*texts: bytes) -> bytes:
    """Blocks: length with the two bytes of the kind, kind, content. Kind 1 is a JPEG 2000."""
    preview = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(range(256)) * 3 + b"\xff\xd9"
    blocks = [(1, preview), *enumerate(texts, start=2)]
    return b"".join(struct.pack("<IH", len(data) + 2, kind) + data for kind, data in blocks)


def sis(
    folder: Path,
    *,
    pixel: tuple[int, float] = (-6, 2.392791775876109e-5),
    magnification: float = 600000.0,
    camera: bytes = b"Quemesa",
    mark: bytes = b"SIS0",
    month: int = 10,
) -> Path:
    """Tag 33560 is a position; there a time as in C, and entries that point further."""
    path, end = folder / "sis.tif", 0
    for _ in range(2):  # the second time with the position that the first one gives
        tifffile.imwrite(path, GREY, extratags=[(33560, 4, 1, end, True)], metadata=None)
        end = path.stat().st_size
    time = struct.pack("<6H", 31, 42, 19, 15, month, 118)
    head = struct.pack("<4s4s12s6s32sH", mark, b"\1\1\0\0", time, b"\4\0\x3e\1\0\0", b"", 2)
    entries = struct.pack("<hhIhhI", 7, 1, 8, 1, 1, end + 76)
    general = struct.pack(
        "<10xhdd8xd2x34s32s", pixel[0], pixel[1], pixel[1], magnification, camera, b""
    )
    with path.open("ab") as file:
        file.write(head + entries + general)
    return path
