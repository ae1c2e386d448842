"""The fast way to decode a JPEG gives Pillow's grey, or declines."""

from __future__ import annotations

import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import baseline, jpeg
from backlabel.images.luma import luma_reference

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


def test_a_coloured_data_bar_is_declined_and_counts_in_full():
    image = np.repeat(scene(96, 128)[..., np.newaxis], 3, axis=2)
    image[90:, 100:] = (250, 40, 10)
    data = encoded(image)
    assert baseline.decode(data) is None
    grey, _ = jpeg.decode(data, jpeg.parse(data))
    np.testing.assert_array_equal(grey, jpeg.decode_reference(data))


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


@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=3),
)
@settings(max_examples=1500, deadline=None)
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
        np.testing.assert_array_equal(grey, luma_reference(rgb))
