"""The fast path for the JPEGs of microscopes: baseline, one scan, and grey but for a data bar.

A file of three components is grey where every coefficient of Cb and Cr is zero: both are 128
there, R = G = B = Y, and `convert("L")` is Y. That is known as soon as the codes are read, so that
only rows with colour have their chroma transformed and made RGB. Whatever is damaged or unusual in
any way is left to the libraries. Source: ITU-T T.81 (1992), annexes B and F.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backlabel.images import _codes, _entropy
from backlabel.images._colour import NEUTRAL, with_colour
from backlabel.images._vectors import BLOCKS, POSITIONS
from backlabel.images.markers import segments_before_scan
from backlabel.images.picture import GreyImage

_SOF0, _SOF1, _DHT, _SOS, _DQT, _APP0, _COM = 0xC0, 0xC1, 0xC4, 0xDA, 0xDB, 0xE0, 0xFE
_HARMLESS = {_COM, *range(_APP0, _APP0 + 14), 0xEF}  # not APP14: Adobe's says other colours
_WHOLE = b"\0\x3f\0"  # a scan of all coefficients in full precision
_BYTE = 8  # bits
_START = b"\xff\xd8"
_TABLES = 4  # that a file may define of each class
_AC = 16  # what numbers of tables for AC begin with
_ONE = 9  # bytes of a frame header of one component
_NARROW = 4  # pixels, up to which libjpeg repeats shared colours and does not interpolate them

_Tables = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass
class _Found:
    """What the segments before the scan define."""

    frame: bytes = b""
    scan: bytes = b""
    quanta: dict[int, bytes] = field(default_factory=dict)
    codes: dict[int, bytes] = field(default_factory=dict)
    usual: bool = True


def decode(data: bytes) -> GreyImage | None:
    """The grey of a whole JPEG file, or None where it is not of the kind that is decoded here."""
    found, start = _Found(usual=data.startswith(_START)), 2
    for marker, body, after in segments_before_scan(data):
        found.usual &= after == start + 4 + len(body)  # nothing lies between the segments
        _take(found, marker, body)
        start = after
    plan, tables = _plan(found), _tables(found)
    bits = np.empty(len(data) + _codes.TAIL, np.uint8)
    size = _codes.unstuffed(np.frombuffer(data, np.uint8), start, bits)
    if plan is None or tables is None or size < 0:
        return None
    return _grey(found, plan, tables, bits, size)


def _grey(
    found: _Found, plan: tuple[int, int], tables: _Tables, bits: GreyImage, size: int
) -> GreyImage | None:
    across, down = plan
    height, width = int.from_bytes(found.frame[1:3], "big"), int.from_bytes(found.frame[3:5], "big")
    rows, columns = -(-height // (8 * down)), -(-width // (8 * across))
    whole = -(-columns * across // BLOCKS) * BLOCKS
    out = np.empty((8 * down * rows, 8 * whole), np.uint8)
    planes = 2 if len(found.frame) > _ONE else 0
    chroma = np.empty((planes, 8 * rows, 8 * (-(-columns // BLOCKS) * BLOCKS)), np.uint8)
    coloured = np.zeros(rows, np.uint8)
    strip = np.zeros((down + 2) * _entropy.STRIP, np.int16)
    done = _entropy.decode(
        *(bits, size, *tables, _steps(found), _entropy.PLACES, strip, across, down, columns),
        *(out, chroma, coloured),
    )
    if done != _entropy.FINE:
        return None
    grey = np.ascontiguousarray(out[:height, :width])
    if coloured.any():
        if across > 1 and width <= _NARROW:
            return None
        chroma.reshape(2, rows, -1)[:, coloured == 0] = NEUTRAL
        chroma = chroma[:, : -(-height // down), : -(-width // across)]
        with_colour(grey, chroma, coloured, across, down)
    return grey


def _steps(found: _Found) -> NDArray[np.int16]:
    """Of each component, at their places in a strip."""
    chosen = [found.quanta[number] for number in found.frame[8::3]]
    steps = np.empty((len(chosen), 64), np.int16)
    steps[:, POSITIONS[_entropy.ZIGZAG]] = np.frombuffer(b"".join(chosen), np.uint8).reshape(-1, 64)
    return steps


def _take(found: _Found, marker: int, body: bytes) -> None:
    if marker == _SOS:
        found.scan = body
    elif marker in (_SOF0, _SOF1) and not found.frame:
        found.frame = body
    elif marker == _DQT:
        found.usual &= len(body) % 65 == 0
        for at in range(0, len(body), 65):
            found.usual &= body[at] < _TABLES
            found.quanta[body[at]] = body[at + 1 : at + 65]
    elif marker == _DHT:
        _take_codes(found, body)
    elif marker == _APP0 and body.startswith(b"JFIF\0"):
        found.usual &= body[5:6] == b"\1"  # libjpeg warns of other versions
    elif marker not in _HARMLESS:
        found.usual = False


def _take_codes(found: _Found, body: bytes) -> None:
    while body:
        length = 17 + sum(body[1:17])
        found.usual &= length <= len(body) and body[0] & 0xEF < _TABLES
        found.codes[body[0]], body = body[1:length], body[length:]


def _plan(found: _Found) -> tuple[int, int] | None:
    """Blocks of brightness across and down an MCU."""
    frame, scan = found.frame, found.scan
    count = len(frame) // 3 - 2
    if not found.usual or count not in (1, 3) or len(frame) != 6 + 3 * count:
        return None
    if (frame[0], frame[5]) != (_BYTE, count) or len(scan) != 4 + 2 * count or scan[0] != count:
        return None
    parts = [frame[6 + 3 * i : 9 + 3 * i] for i in range(count)]
    if [part[0] for part in parts] != [*scan[1:-3:2]] or scan[-3:] != _WHOLE:
        return None
    across, down = parts[0][1] >> 4, parts[0][1] & 15
    if not {across, down} <= {1, 2} or not {part[2] for part in parts} <= found.quanta.keys():
        return None
    if count == 1:
        return 1, 1  # whatever its factors, there is nothing to interleave
    ycbcr = [(part[0], part[1]) for part in parts[1:]] == [(2, 0x11), (3, 0x11)]
    return (across, down) if ycbcr and parts[0][0] == 1 else None


def _tables(found: _Found) -> _Tables | None:
    """Of all codes, and for each component where its own begin, for DC and AC, in bytes."""
    chosen = [(key >> 4, key & 15) for key in found.scan[2:-3:2]]
    if not chosen or max(max(pair) for pair in chosen) >= _TABLES:
        return None
    keys = [(dc, _AC + ac) for dc, ac in chosen]
    used = sorted({key for pair in keys for key in pair})
    tables = _joined(tuple((key < _AC, found.codes.get(key, b"")) for key in used))
    if tables is None:
        return None
    return tables, np.searchsorted(used, keys).astype(np.int32) * np.int32(tables.strides[0])


@lru_cache(maxsize=16)  # nearly all files have the tables of the standard
def _joined(codes: tuple[tuple[bool, bytes], ...]) -> NDArray[np.int32] | None:
    """The tables of some codes, of which True are for DC; None for impossible ones."""
    tables = np.empty((len(codes), _codes.TABLE), np.int32)
    for table, (for_dc, code) in zip(tables, codes, strict=True):
        counts, symbols = np.frombuffer(code[:16], np.uint8), np.frombuffer(code[16:], np.uint8)
        if not symbols.size or (for_dc and symbols.max() >= 16):  # noqa: PLR2004 bits of a number
            return None
        if not _codes.code_table(counts, symbols, table):
            return None
    return tables
