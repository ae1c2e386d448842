"""The fast path: strips of whole bytes, plain or packed without loss, straight into one array.

`via_tifffile.decode` gives the same for every TIFF; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd, lzw
from backlabel.images.faults import library_faults
from backlabel.images.ifd import Directory, Layout
from backlabel.images.segments import Segments
from backlabel.images.source import Source

_PLAIN = 1
_UNPACKERS: dict[int, Callable[..., Any]] = {
    8: imagecodecs.deflate_decode,
    32946: imagecodecs.deflate_decode,
    32773: imagecodecs.packbits_decode,
    50000: imagecodecs.zstd_decode,
}
_KINDS = {(1, 8): "u1", (1, 16): "u2", (1, 32): "u4", (2, 8): "i1", (2, 16): "i2", (2, 32): "i4"}
_NO_PREDICTOR, _HORIZONTAL = 1, 2
_WITH_PREDICTOR = {lzw.LZW, 8, 32946, 34925, 50000}
"""Compressions that a predictor goes with, as in libtiff; it means nothing with others."""


@dataclass(frozen=True)
class Plan:
    """Where the strips of one page lie and how they are packed."""

    shape: tuple[int, int, int]  # rows, columns, channels
    kind: str  # NumPy code of one sample, without byte order
    rows: int  # of each strip but the last
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    compression: int
    predictor: int


def plan(page: Directory, segments: Segments) -> Plan | None:
    """How to fetch `page`, or None where it is not of the simple kind that is fetched here."""
    height, channels = page.number(ifd.LENGTH, 0), page.number(ifd.SAMPLES, 1)
    kind = _KINDS.get((page.number(ifd.SAMPLE_FORMAT, 1), page.number(ifd.BITS, 1)))
    compression = page.number(ifd.COMPRESSION, _PLAIN)
    if kind is None or not _is_simple(page, compression, channels):
        return None
    rows = min(page.number(ifd.ROWS_PER_STRIP, height), height)
    return Plan(
        shape=(height, page.number(ifd.WIDTH, 0), channels),
        kind=kind,
        rows=rows,
        offsets=segments.offsets,
        counts=segments.counts,
        compression=compression,
        predictor=predictor(page),
    )


def decode(plan: Plan, source: Source, layout: Layout) -> NDArray[np.generic]:
    """The samples of a planned page, (H, W, channels)."""
    dtype = np.dtype(layout.order + plan.kind)
    samples = np.empty(plan.shape, dtype)
    flat = samples.reshape(-1).view(np.uint8)
    row = samples.strides[0]
    if plan.compression == _PLAIN and _is_contiguous(plan, flat.size, row):
        source.read_into(flat, plan.offsets[0])
    elif plan.compression == lzw.LZW:
        _unpack_lzw(plan, source, flat, row)
    else:
        for at, (offset, count) in enumerate(zip(plan.offsets, plan.counts, strict=True)):
            strip = flat[at * plan.rows * row : (at + 1) * plan.rows * row]
            # Some writers pad the last strip to its full height: there must be room for that.
            unpack(plan.compression, source.read(offset, count), strip, plan.rows * row)
    native: NDArray[np.generic] = samples.astype(dtype.newbyteorder("="), copy=False)
    if plan.predictor == _HORIZONTAL:
        with library_faults():
            imagecodecs.delta_decode(native, axis=1, out=native)
    return native


def predictor(page: Directory) -> int:
    """The predictor that `page` is to be decoded with."""
    fits = page.number(ifd.COMPRESSION, _PLAIN) in _WITH_PREDICTOR
    return page.number(ifd.PREDICTOR, _NO_PREDICTOR) if fits else _NO_PREDICTOR


def _unpack_lzw(plan: Plan, source: Source, flat: NDArray[np.uint8], row: int) -> None:
    strips = [source.read(*place) for place in zip(plan.offsets, plan.counts, strict=True)]
    size, start = plan.rows * row, 0
    last = plan.shape[0] - plan.rows * (len(strips) - 1)  # rows; a strip may hold more than these
    for some, rows in ((strips[:-1], plan.rows), (strips[-1:], last)):
        for unpacked in lzw.unpack(some, row=row, rows=rows):
            flat[start : start + unpacked.size] = unpacked
            start += size


def _is_simple(page: Directory, compression: int, channels: int) -> bool:
    return (
        (compression in (_PLAIN, lzw.LZW) or compression in _UNPACKERS)
        and predictor(page) in (_NO_PREDICTOR, _HORIZONTAL)
        and ifd.TILE_OFFSETS not in page
        and (channels == 1 or page.number(ifd.PLANAR, 1) == 1)
        and page.number(ifd.FILL_ORDER, 1) == 1
        and len(set(page.numbers(ifd.BITS, (1,)))) == 1
        and len(set(page.numbers(ifd.SAMPLE_FORMAT, (1,)))) == 1
        and len(page.numbers(ifd.BITS, (1,))) in (1, channels)
        and page.number(ifd.PHOTOMETRIC, 1) != 6  # noqa: PLR2004 YCbCr may be subsampled
        and page.number(ifd.ROWS_PER_STRIP, 1) > 0
    )


def unpack(compression: int, data: bytes, strip: NDArray[np.uint8], room: int = 0) -> None:
    """Fill the flat `strip` from one strip's packed bytes; they may unpack to `room` at most."""
    if compression == _PLAIN:
        unpacked: Any = np.frombuffer(data, np.uint8)
    elif compression == lzw.LZW:
        unpacked = next(lzw.unpack([data], row=strip.size, rows=1))
    elif compression not in _UNPACKERS:
        raise UnreadableImageError("unsupported", f"TIFF compression {compression} with its colour")
    else:
        out = strip if strip.size >= room else np.empty(room, np.uint8)
        with library_faults():
            unpacked = _UNPACKERS[compression](data, out=out)
    if len(unpacked) < strip.size:
        raise UnreadableImageError(
            "truncated", f"a strip holds {len(unpacked)} bytes of {strip.size}"
        )
    if not np.may_share_memory(unpacked, strip):
        strip[:] = unpacked[: strip.size]


def _is_contiguous(plan: Plan, size: int, row: int) -> bool:
    whole = plan.rows * row
    steps = zip(plan.offsets, plan.offsets[1:], strict=False)
    return all(after - before == whole for before, after in steps) and (
        sum(plan.counts) >= size and min(plan.counts[:-1], default=whole) >= whole
    )
