"""LZW as in TIFF, decoded by libtiff by way of Pillow.

imagecodecs' decoder may crash on a broken or old-style stream, so that it is never given one.
libtiff decodes pages and no single strips: each group of strips becomes a small TIFF, the pixels of
which are the packed bytes. Source: TIFF 6.0, sections 2 and 13.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backlabel.images import ifd
from backlabel.images.faults import library_faults

LZW = 5  # the compression's number
_TOGETHER_BYTES = 16 << 20  # unpacked, so that Pillow's copies stay small
_LONG = 4  # a tag's type
_TAGS = 9
_EIGHTS = 8 + 2 + 12 * _TAGS + 4  # where the bits of four channels stand
_LISTS = _EIGHTS + 16  # and then the offsets and the lengths of the strips


def unpack(strips: Sequence[bytes], *, row: int, rows: int) -> Iterator[NDArray[np.uint8]]:
    """Each strip's bytes, flat, of `rows` rows of `row` bytes.

    Raises UnreadableImageError where one is broken or has fewer, and for more than Pillow opens:
    178,956,970 bytes a strip, or four times as many where `row` is a multiple of four.
    """
    together = max(1, _TOGETHER_BYTES // (row * rows))
    for first in range(0, len(strips), together):
        some = strips[first : first + together]
        with library_faults():
            file = io.BytesIO(_tiff(some, row, rows))
            with Image.open(file, formats=("TIFF",)) as image:
                unpacked = np.asarray(image)
        yield from unpacked.reshape(len(some), rows * row)


def _tiff(strips: Sequence[bytes], row: int, rows: int) -> bytes:
    """A TIFF with the bytes of one strip below those of the other.

    Four bytes are a pixel of CMYK, and single ones a pixel of grey: Pillow changes neither.
    """
    count = len(strips)
    channels, photometric = (4, 5) if row % 4 == 0 else (1, 1)
    data = _LISTS + 8 * count
    lengths = [len(strip) for strip in strips]
    offsets = [data + before for before in (0, *np.cumsum(lengths[:-1]).tolist())]
    tags = {
        ifd.WIDTH: (1, row // channels),
        ifd.LENGTH: (1, rows * count),
        ifd.BITS: (channels, 8 if channels == 1 else _EIGHTS),
        ifd.COMPRESSION: (1, LZW),
        ifd.PHOTOMETRIC: (1, photometric),
        ifd.STRIP_OFFSETS: (count, offsets[0] if count == 1 else _LISTS),
        ifd.SAMPLES: (1, channels),
        ifd.ROWS_PER_STRIP: (1, rows),
        ifd.STRIP_COUNTS: (count, lengths[0] if count == 1 else _LISTS + 4 * count),
    }
    entries = [struct.pack("<HHII", tag, _LONG, *tags[tag]) for tag in sorted(tags)]
    head = struct.pack("<2sHIH", b"II", 42, 8, _TAGS) + b"".join(entries) + bytes(4)
    numbers = struct.pack(f"<4I{2 * count}I", 8, 8, 8, 8, *offsets, *lengths)
    return head + numbers + b"".join(strips)
