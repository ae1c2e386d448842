"""LZW is decoded by libtiff: right, or refused by name; never by a decoder that may crash."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import lzw, read
from tiffs import base_tags, by_hand


def noise(levels: int, size: int = 40_000) -> np.ndarray:
    return np.random.default_rng(levels).integers(0, levels, size).astype(np.uint8)


def packed(codes: list[int], *, old_style: bool = False) -> bytes:
    """Codes of 9 bits each: the first bit highest as in TIFF 6.0, or lowest as before."""
    if old_style:
        bits = sum(code << (9 * at) for at, code in enumerate(codes))
        return bits.to_bytes(-(-9 * len(codes) // 8), "little")
    text = "".join(f"{code:09b}" for code in codes)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8))


CLEAR, END, NEVER_DEFINED = 256, 257, 300


@pytest.mark.parametrize("levels", [1, 2, 40, 256])
@pytest.mark.parametrize("rows", [1, 8, 40])
@pytest.mark.parametrize("row", [200, 125])
def test_what_another_program_packed(levels, row, rows):
    plain = noise(levels).reshape(-1, rows * row)
    strips = [imagecodecs.lzw_encode(strip.tobytes()) for strip in plain]
    np.testing.assert_array_equal(list(lzw.unpack(strips, row=row, rows=rows)), plain)


def test_more_than_is_unpacked_together(monkeypatch):
    monkeypatch.setattr(lzw, "_TOGETHER_BYTES", 1000)
    plain = noise(9).reshape(-1, 400)
    strips = [imagecodecs.lzw_encode(strip.tobytes()) for strip in plain]
    np.testing.assert_array_equal(list(lzw.unpack(strips, row=400, rows=1)), plain)


def test_a_strip_of_more_bytes_than_pillow_opens_pixels(monkeypatch, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(200).reshape(200, 200), compression="lzw")
    expected = read(path).grey
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6_000)  # an error at twice that
    np.testing.assert_array_equal(read(path).grey, expected)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_damaged_data_are_refused_or_decoded_and_nothing_else(changes):
    damaged = bytearray(imagecodecs.lzw_encode(noise(9, 3_000).tobytes()))
    for where, value in changes:
        damaged[round(where * (len(damaged) - 1))] = value
    with contextlib.suppress(UnreadableImageError):
        (found,) = lzw.unpack([bytes(damaged)], row=100, rows=30)
        assert found.shape == (3_000,)


def test_data_that_end_early_are_refused():
    strip = imagecodecs.lzw_encode(bytes(range(200)))
    with pytest.raises(UnreadableImageError):
        list(lzw.unpack([strip[:-9]], row=200, rows=1))
    with pytest.raises(UnreadableImageError):
        list(lzw.unpack([strip], row=201, rows=1))


def test_a_padded_last_strip_and_a_missing_end_are_read():
    strip = imagecodecs.lzw_encode(bytes(range(200)))
    (found,) = lzw.unpack([strip], row=100, rows=1)
    assert found.tobytes() == bytes(range(100))
    (found,) = lzw.unpack([packed([CLEAR, *range(9)])], row=9, rows=1)
    assert found.tobytes() == bytes(range(9))


@pytest.mark.parametrize("old_style", [False, True], ids=["TIFF 6.0", "old style"])
def test_valid_codes_of_both_styles(old_style):
    strip = packed([CLEAR, 65, 258, 258, 66, END], old_style=old_style)
    (found,) = lzw.unpack([strip], row=6, rows=1)
    assert found.tobytes() == b"AAAAAB"


BROKEN = packed([CLEAR, 65, NEVER_DEFINED, NEVER_DEFINED, END])
BROKEN_OLD = packed([CLEAR, 65, NEVER_DEFINED, NEVER_DEFINED, END], old_style=True)


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}], ids=["strips", "tiles"])
@pytest.mark.parametrize("broken", [BROKEN, BROKEN_OLD], ids=["TIFF 6.0", "old style"])
def test_a_string_that_was_never_defined_is_refused_in_one_s_own_process(
    tmp_path, grey, options, broken
):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey, compression="lzw", rowsperstrip=len(grey), **options)
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages.first.dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[offset : offset + len(broken)] = broken
    path.write_bytes(data)
    assert refused_by_a_process_of_its_own(path) == "corrupt"


def refused_by_a_process_of_its_own(path: Path) -> str:
    program = (
        "import sys, pathlib; from backlabel import images, errors\n"
        "try: images.read(pathlib.Path(sys.argv[1]))\n"
        "except errors.UnreadableImageError as error: print(error.reason)"
    )
    command = [sys.executable, "-c", program, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_library_s_own_decoder_is_never_called(tmp_path, rgb, monkeypatch):
    def never(*_: object, **__: object) -> None:
        pytest.fail("imagecodecs decodes LZW")

    monkeypatch.setattr(imagecodecs, "lzw_decode", never)
    monkeypatch.setitem(tifffile.TIFF.DECOMPRESSORS._codecs, 5, never)
    for options in ({}, {"tile": (16, 16)}, {"planarconfig": "separate"}):
        path = tmp_path / "a.tif"
        samples = np.moveaxis(rgb, -1, 0) if "planarconfig" in options else rgb
        tifffile.imwrite(path, samples, photometric="rgb", compression="lzw", **options)
        expected = np.asarray(Image.fromarray(rgb).convert("L"))
        np.testing.assert_array_equal(read(path).grey, expected)


def packed_rows(samples: np.ndarray, bits: int) -> bytes:
    """Rows of whole bytes, the highest bit of each number first."""
    each = samples[..., np.newaxis] >> np.arange(bits)[::-1] & 1
    return np.packbits(each.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


@pytest.mark.parametrize("bits", [1, 4, 12])
@pytest.mark.parametrize("in_a_tile", [False, True])
def test_odd_bits(tmp_path, grey, bits, in_a_tile):
    samples = grey.astype(np.uint16) << 4 if bits > 8 else grey >> (8 - bits)
    tifffile.imwrite(tmp_path / "plain.tif", samples, bitspersample=bits)
    tags = base_tags(grey.shape, [bits], 1) | {259: (3, [5])}
    if in_a_tile:  # that is larger than the image
        tags |= {322: (3, [96]), 323: (3, [64])}
        samples = np.pad(samples, ((0, 64 - len(samples)), (0, 96 - samples.shape[1])))
    body = imagecodecs.lzw_encode(packed_rows(samples, bits))
    path = by_hand(tmp_path / "a.tif", body, tags)
    if in_a_tile:  # where by_hand puts its strip
        as_tiles(path, len(path.read_bytes()) - len(body), len(body))
    np.testing.assert_array_equal(read(path).grey, read(tmp_path / "plain.tif").grey)


def as_tiles(path: Path, offset: int, count: int) -> None:
    """Offsets and counts of strips become those of tiles."""
    data = path.read_bytes()
    for strips, tiles, value in ((273, 324, offset), (279, 325, count)):
        before = struct.pack("<HHII", strips, 4, 1, value)
        assert data.count(before) == 1
        data = data.replace(before, struct.pack("<HHII", tiles, 4, 1, value))
    path.write_bytes(data)
