"""The header of a JPEG: size, depth, colours and orientation, without decoding anything.

Source: ITU-T T.81 (1992), annex B; EXIF 2.3 for APP1; CIPA DC-007 for APP2 "MPF".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd

_SOI, _EOI, _SOS, _APP1, _APP2, _TEM = 0xD8, 0xD9, 0xDA, 0xE1, 0xE2, 0x01
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_JPEG_LS = 0xF7
_EXIF = b"Exif\0\0"


@dataclass(frozen=True)
class Header:
    """What the marker segments before the first scan say."""

    width: int = 0
    height: int = 0
    bits: int = 0
    components: int = 0
    lossless: bool = False
    orientation: int = 1
    several: bool = False  # a multi-picture file (MPO)


def parse(data: bytes) -> Header:
    """The header of a whole JPEG file. Raises UnreadableImageError where it has none."""
    header = Header()
    for marker, body, _ in segments_before_scan(data):
        if marker != _SOS:
            header = _with_segment(header, marker, body)
    if header.bits == 0:
        raise UnreadableImageError("corrupt", "a JPEG without a frame header")
    return header


def segments_before_scan(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and position after each segment, up to the start of the first scan.

    Raises UnreadableImageError where the file ends before.
    """
    at = 2
    while True:
        marker, at = _next_marker(data, at)
        if marker in _RESTARTS or marker in (_TEM, _SOI):
            continue
        if marker == _EOI:
            return
        body = _segment(data, at)
        at += 2 + len(body)
        yield marker, body, at
        if marker == _SOS:
            return


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker and the position after it; fill bytes and stray bytes are stepped over."""
    at = data.find(b"\xff", at)
    while 0 <= at < len(data) - 1:
        if data[at + 1] not in (0x00, 0xFF):
            return data[at + 1], at + 2
        at = data.find(b"\xff", at + 1)
    raise UnreadableImageError("truncated", "the file ends inside its header")


def _segment(data: bytes, at: int) -> bytes:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):  # noqa: PLR2004 it counts its own two bytes
        raise UnreadableImageError("truncated", "the file ends inside its header")
    return data[at + 2 : at + length]


def _with_segment(header: Header, marker: int, body: bytes) -> Header:
    if marker == _JPEG_LS:
        raise UnreadableImageError("unsupported", "it is a JPEG-LS")
    if marker in _FRAMES and header.bits == 0:
        return _with_frame(header, marker, body)
    if marker == _APP1 and body.startswith(_EXIF):
        return replace(header, orientation=_orientation(body[len(_EXIF) :]))
    if marker == _APP2 and body.startswith(b"MPF\0"):
        return replace(header, several=True)
    return header


def _with_frame(header: Header, marker: int, body: bytes) -> Header:
    if len(body) < 6:  # noqa: PLR2004 bits, height, width, components
        raise UnreadableImageError("corrupt", "a frame header that is too short")
    bits, height, width, components = struct.unpack_from(">BHHB", body)
    return replace(
        header,
        bits=bits,
        height=height,
        width=width,
        components=components,
        lossless=marker in _LOSSLESS,
    )


def _orientation(exif: bytes) -> int:
    """Tag 274 of EXIF's first directory; 1 where EXIF is missing or broken."""

    def read(position: int, length: int) -> bytes:
        if position + length > len(exif):
            raise UnreadableImageError("truncated", "EXIF ends early")
        return exif[position : position + length]

    try:
        layout = ifd.Layout(read)
        return ifd.Directory(layout, layout.first()).number(ifd.ORIENTATION, 1)
    except UnreadableImageError:
        return 1
