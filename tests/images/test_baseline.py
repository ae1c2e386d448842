"""The fast way to decode a JPEG gives Pillow's grey, or declines."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import baseline, jpeg
from backlabel.images.luma import luma

SHAPES = [(1, 1), (7, 9), (8, 8), (16, 16), (17, 33), (64, 128), (100, 257), (131, 300)]


def scene(height: int, width: int, *, grain: float = 12.0) -> np.ndarray:
    rng = np.random.default_rng(height)
    waves = np.add.outer(np.sin(np.arange(height) / 9), np.cos(np.arange(width) / 13)) * 50 + 120
    image = np.clip(waves + rng.normal(0, grain, waves.shape), 0, 255).astype(np.uint8)
    image[height - height // 8 :] = 255
    return image


def encoded(image: np.ndarray, mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    converted = Image.fromarray(image) if image.ndim == 3 else Image.fromarray(image).convert(mode)
    converted.save(stream, "JPEG", **({"quality": 100} | options))
    return stream.getvalue()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("quality", [1, 40, 75, 95, 100])
@pytest.mark.parametrize("options", [{}, {"mode": "L"}, {"subsampling": 0}, {"subsampling": 1}])
def test_neutral_files_are_decoded_as_by_pillow(shape, quality, options):
    data = encoded(scene(*shape), quality=quality, **({"subsampling": 2} | options))
    np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_tables_made_for_the_picture(mode):
    data = encoded(scene(200, 300), mode, optimize=True)
    np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


@pytest.mark.parametrize("grain", [60.0, 200.0, 5000.0])
def test_extreme_pixels_are_right_or_declined(grain):
    data = encoded(scene(120, 160, grain=grain))
    grey = baseline.decode(data)
    assert grey is None or np.array_equal(grey, jpeg.decode_reference(data))


def in_colours(height: int, width: int, part: slice, *, noisy: bool = False) -> np.ndarray:
    """A grey scene, `part` of whose rows has two strong colours, or random ones."""
    image = np.repeat(scene(height, width)[..., np.newaxis], 3, axis=2)
    rows = image[part]
    rows[:] = (250, 40, 10)
    rows[len(rows) // 3 :, width // 3 :] = (0, 90, 255)
    if noisy:
        rows[:] = np.random.default_rng(width).integers(0, 256, rows.shape)
    return image


COLOURED = [(8, 8), (17, 33), (5, 130), (64, 128), (100, 257), (131, 300)]
PARTS = {
    "top": slice(0, 5),
    "middle": slice(40, 57),
    "bottom": slice(-9, None),
    "last row": slice(-1, None),
    "all": slice(None),
}


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("noisy", [False, True])
def test_coloured_rows_count_as_in_pillow(subsampling, part, noisy):
    for height, width in COLOURED:
        image = in_colours(height, width, part, noisy=noisy)
        for quality in (1, 30, 75, 92, 100):
            data = simplejpeg.encode_jpeg(image, quality, "RGB", subsampling)
            np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


@given(st.integers(1, 70), st.integers(5, 70), st.integers(0, 99), st.sampled_from([0, 1, 2]))
@settings(max_examples=150, deadline=None)
def test_colours_of_any_size_and_place(height, width, first, subsampling):
    image = in_colours(height, width, slice(first % height, first % height + 11), noisy=True)
    data = encoded(image, quality=first + 1, subsampling=subsampling)
    np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


@pytest.mark.parametrize("width", [1, 4, 5])
def test_colours_that_libjpeg_does_not_interpolate_are_declined(width):
    data = encoded(in_colours(40, width, slice(None)), subsampling=2)
    assert (baseline.decode(data) is None) == (width <= 4)
    grey, _ = jpeg.decode(data, jpeg.parse(data))
    np.testing.assert_array_equal(grey, jpeg.decode_reference(data))


@pytest.mark.parametrize("quality", [30, 75, 92, 100])
def test_patterns_of_few_coefficients(quality):
    """Long runs of zeros, last places of a block, and blocks that end after any place."""
    i = np.arange(8)
    waves = np.cos(np.outer(2 * i + 1, i) * np.pi / 16)
    blocks = np.einsum("yv,xu->vyux", waves, waves).reshape(64, 64)
    for patterns in (blocks, blocks + np.roll(blocks, 8, axis=1), np.roll(blocks, 8) - blocks):
        data = encoded((128 + 50 * patterns).astype(np.uint8), quality=quality)
        np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


def test_numbers_of_tables_that_there_cannot_be_are_declined():
    data = bytearray(encoded(scene(16, 16), "L"))
    data[data.index(b"\xff\xda") + 6] = 0x50
    assert baseline.decode(bytes(data)) is None


def test_letters_are_decoded():
    image = scene(96, 128)
    image[48:] = np.random.default_rng(2).integers(0, 2, (48, 128)) * 255
    data = encoded(image)
    np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


def test_sample_files_are_decoded_as_by_pillow():
    files = sorted((Path(__file__).parents[2] / "data" / "jpeg").rglob("*.jpg"))
    if not files:
        pytest.skip("the sample images are not here")
    for path in files:
        data = path.read_bytes()
        np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


@pytest.mark.parametrize("factor", [2, 3, 5, 9, 20, 60, 250])
@pytest.mark.parametrize("table", [0, 1])
def test_coefficients_too_great_are_right_or_declined(factor, table):
    """Steps of quantisation are made larger, so that decoders of 16 bits come to their end."""
    for noisy in (False, True):
        data = bytearray(encoded(in_colours(64, 96, slice(20, None), noisy=noisy), quality=95))
        start = data.index(b"\xff\xdb\x00\x43" + bytes([table])) + 5
        for at in range(start, start + 64):
            data[at] = min(data[at] * factor, 255)
        grey = baseline.decode(bytes(data))
        assert grey is None or np.array_equal(grey, jpeg.decode_reference(bytes(data)))


def test_a_stuffed_byte_at_the_end_is_read():
    files = [encoded(scene(24, width), quality=q) for width in range(8, 40) for q in (60, 90)]
    late = [data for data in files if b"\xff\0" in data[-8:-2]]
    assert late
    for data in late:
        np.testing.assert_array_equal(baseline.decode(data), jpeg.decode_reference(data))


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"mode": "CMYK"},
        {"restart_marker_rows": 1},
        {"keep_rgb": True},
    ],
    ids=str,
)
def test_unusual_files_are_declined(options):
    assert baseline.decode(encoded(scene(64, 64), **options)) is None


def test_orders_that_libjpeg_warns_of_are_declined():
    data = encoded(scene(64, 64))
    scan = data.index(b"\xff\xda")
    assert baseline.decode(data[:scan] + b"stray" + data[scan:]) is None
    assert baseline.decode(data[:-2] + b"\0\0\xff\xd9") is None
    assert baseline.decode(data[:-200]) is None
    assert baseline.decode(data + b"stray") is not None


WHOLE = [encoded(scene(40, 56), mode, quality=q) for mode in ("L", "RGB") for q in (30, 98)]
WHOLE += [encoded(in_colours(40, 56, slice(30, None)), quality=q) for q in (30, 98)]


@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=3),
)
@settings(max_examples=2000, deadline=None)
def test_damaged_files_are_declined_or_decoded_as_by_libjpeg(data, changes):
    damaged = bytearray(data)
    for where, value in changes:
        damaged[round(where * (len(data) - 1))] = value
    try:
        grey = baseline.decode(bytes(damaged))
    except UnreadableImageError:  # its header already
        return
    if grey is not None:
        rgb = simplejpeg.decode_jpeg(bytes(damaged), "RGB")  # raises for what it merely warns of
        np.testing.assert_array_equal(grey, luma(rgb))
