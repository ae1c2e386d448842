"""Every other TIFF, by way of tifffile: tiles, planes, packed bits, image codecs, floats.

Slower than `strips` and the reference for it. tifffile decodes each strip or tile; that all of them
are there and whole is checked here, so that the picture depends on nothing but the file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd, lzw, strips
from backlabel.images.faults import library_faults
from backlabel.images.ifd import Directory
from backlabel.images.picture import Limits
from backlabel.images.samples import RGB, YCBCR
from backlabel.images.segments import Segments
from backlabel.images.source import Source

_JPEG_COMPRESSIONS = {6, 7, 33007, 34892}  # their decoder turns YCbCr into RGB itself
_COMPRESSIONS = {int(known): known.name for known in tifffile.COMPRESSION}
_LOWEST_FIRST = 2  # a fill order
_NONE = tifffile.COMPRESSION.NONE

# What tifffile has to say about odd tags is no business of the user; refusals are.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def decode(
    source: Source, page: Directory, segments: Segments, limits: Limits
) -> tuple[NDArray[np.generic], int]:
    """Samples (H, W, channels) and the photometric interpretation that they now have."""
    photometric = colour(page)
    return _with_tifffile(source, page, segments, limits), photometric


def colour(page: Directory) -> int:
    """The photometric interpretation of what is decoded here.

    Raises UnreadableImageError where the compression is not known.
    """
    photometric = page.number(ifd.PHOTOMETRIC, 1)
    compression = page.number(ifd.COMPRESSION, 1)
    if compression not in tifffile.TIFF.DECOMPRESSORS:
        name = _COMPRESSIONS.get(compression, "unknown")
        raise UnreadableImageError("unsupported", f"TIFF compression {compression} ({name})")
    is_rgb_now = photometric == YCBCR and compression in _JPEG_COMPRESSIONS
    return RGB if is_rgb_now else photometric


def pieces(
    source: Source, page: Directory, segments: Segments
) -> Iterator[tuple[int, int, NDArray[np.generic]]]:
    """Each strip or tile of a page of one plane: top row, left column, samples (h, w, channels)."""
    with (
        library_faults(),
        source.file() as file,
        tifffile.TiffFile(file, name="image") as tiff,
    ):
        tiff.filehandle.seek(page.position)
        there = tifffile.TiffPage(tiff, index=0)
        _refuse_other(there, page)
        if there.shaped[0] != 1:
            raise UnreadableImageError("unsupported", "a mosaic whose channels lie apart")
        there.predictor = strips.predictor(page)
        tables = there.jpegtables
        for index, data in enumerate(_packed(there, page, segments, source)):
            segment, (_, _, top, left, _), shape = there.decode(data, index, jpegtables=tables)
            if segment is None or not _fits(segment.dtype, np.dtype(there.dtype)):
                raise UnreadableImageError("corrupt", "a strip or tile of another number type")
            got = segment[0, : shape[1], : shape[2]]
            if got.shape[:2] != shape[1:3]:
                raise UnreadableImageError("corrupt", f"a strip or tile of shape {segment.shape}")
            yield top, left, got


def _with_tifffile(
    source: Source, page: Directory, segments: Segments, limits: Limits
) -> NDArray[np.generic]:
    with (
        library_faults(),
        source.file() as file,
        tifffile.TiffFile(file, name="image") as tiff,
    ):
        tiff.filehandle.seek(page.position)
        there = tifffile.TiffPage(tiff, index=0)
        _refuse(there, page, limits)
        there.predictor = strips.predictor(page)
        volume = _decoded(there, _packed(there, page, segments, source))
    planes = volume[:, 0]
    return planes[0] if len(planes) == 1 else np.moveaxis(planes[..., 0], 0, -1)


def _refuse(there: tifffile.TiffPage, page: Directory, limits: Limits) -> None:
    """Raise UnreadableImageError where tifffile understands the page otherwise, or it is huge."""
    if there.nbytes > limits.max_decoded_bytes:
        raise UnreadableImageError("bomb", f"decoded it has {there.nbytes} bytes")
    _refuse_other(there, page)


def _refuse_other(there: tifffile.TiffPage, page: Directory) -> None:
    """Raise UnreadableImageError where tifffile understands the page otherwise."""
    planes, depth, rows, columns, channels = there.shaped
    if (depth, rows, columns) != (1, page.number(ifd.LENGTH, 0), page.number(ifd.WIDTH, 0)):
        raise UnreadableImageError("corrupt", f"samples of shape {there.shaped}")
    if planes * channels != page.number(ifd.SAMPLES, 1) or min(planes, channels) != 1:
        raise UnreadableImageError("corrupt", f"{planes} planes of {channels} channels")


def _packed(
    there: tifffile.TiffPage, page: Directory, segments: Segments, source: Source
) -> Iterator[bytes]:
    """What tifffile is to decode: the bytes of each strip or tile in the file, but LZW unpacked."""
    packed = (source.read(*place) for place in zip(segments.offsets, segments.counts, strict=True))
    if page.number(ifd.COMPRESSION, 1) != lzw.LZW:
        return packed
    there.compression, there.fillorder = _NONE, 1  # before tifffile chooses its decoder
    return _unpacked(there, page, packed)


def _unpacked(
    there: tifffile.TiffPage, page: Directory, packed: Iterator[bytes]
) -> Iterator[bytes]:
    wide, high = there.imagewidth, min(there.rowsperstrip, there.imagelength)
    if there.is_tiled:
        wide, high = there.tilewidth, there.tilelength
    bits, channels = page.numbers(ifd.BITS, (1,)), there.shaped[-1]
    row = -(-wide * (sum(bits) if len(bits) == channels else channels * bits[0]) // 8)
    reversed_bits = page.number(ifd.FILL_ORDER, 1) == _LOWEST_FIRST
    strips_a_plane = -(-there.imagelength // high)
    for at, data in enumerate(packed):
        below = there.imagelength - high * (at % strips_a_plane)
        rows = high if there.is_tiled else min(high, below)
        ordered = bytes(imagecodecs.bitorder_decode(data)) if reversed_bits else data
        yield next(lzw.unpack([ordered], row=row, rows=rows)).tobytes()


def _decoded(there: tifffile.TiffPage, packed: Iterator[bytes]) -> NDArray[np.generic]:
    """(planes, 1, rows, columns, channels).

    Raises UnreadableImageError unless each pixel of each plane was decoded.
    """
    volume = np.zeros(there.shaped, there.dtype)
    written = np.zeros(volume.shape[:4], np.bool_)
    tables = there.jpegtables
    for index, data in enumerate(packed):
        segment, (plane, _, top, left, _), shape = there.decode(data, index, jpegtables=tables)
        part = plane, slice(1), slice(top, top + shape[1]), slice(left, left + shape[2])
        wanted = volume[part].shape
        if segment is None or not _fits(segment.dtype, volume.dtype):
            raise UnreadableImageError("corrupt", "a strip or tile of another number type")
        got = segment[:1, : wanted[1], : wanted[2]]
        if got.shape != wanted:
            raise UnreadableImageError("corrupt", f"a strip or tile of shape {segment.shape}")
        volume[part], written[part] = got, True
    if not written.all():
        raise UnreadableImageError("truncated", f"only {written.mean():.0%} of it is there")
    return volume


def _fits(decoded: np.dtype[np.generic], wanted: np.dtype[np.generic]) -> bool:
    """Whether numbers of one type are stored in the other unchanged; bits are bytes or booleans."""
    whole = decoded.kind in "bu" and wanted.kind in "bu"
    return decoded == wanted or (whole and decoded.itemsize <= wanted.itemsize)
