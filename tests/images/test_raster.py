"""PNG and BMP: the rules of docs/reading.md, and what must be refused by name."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from backlabel.errors import UnreadableImageError
from backlabel.images import Limits, read, read_samples, read_unit

KINDS = ["png", "bmp"]


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **options)
    return buffer.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(data, kind):
        path = tmp_path / f"a.{kind}"
        path.write_bytes(data)
        return path

    return write


def reason_of(path, limits=None):
    with pytest.raises(UnreadableImageError) as caught:
        read(path, limits or Limits())
    return caught.value.reason


@pytest.mark.parametrize("kind", KINDS)
def test_grey_is_the_same_numbers(file, grey, kind):
    path = file(saved(Image.fromarray(grey), kind), kind)
    picture = read(path)
    assert (picture.kind, picture.note) == (kind, "")
    assert picture.grey.tobytes() == grey.tobytes()
    assert np.array_equal(read_unit(path), grey / np.float32(255))
    assert np.array_equal(read_samples(path)[..., 0], grey)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "P", "1"])
def test_colours_are_pillows_grey(file, rgb, kind, mode):
    image = Image.fromarray(rgb).convert(mode)
    path = file(saved(image, kind), kind)
    expected = np.asarray(image.convert("RGB").convert("L"))
    assert np.array_equal(read(path).grey, expected)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_left_out(file, grey, rgb, mode):
    whole = grey if mode == "LA" else rgb
    image = Image.fromarray(whole)
    image.putalpha(Image.fromarray(255 - grey))
    path = file(saved(image, "png"), "png")
    assert np.array_equal(read(path).grey, np.asarray(Image.fromarray(whole).convert("L")))


def test_a_deep_png_is_scaled_by_its_range_and_keeps_its_depth(file, grey):
    deep = grey.astype(np.uint16) * 12 + 100
    path = file(imagecodecs.png_encode(deep), "png")
    assert read(path).note == "16 bit scaled 100..3160"
    assert np.array_equal(read(path).grey, grey)
    assert np.array_equal(read_samples(path)[..., 0], deep)


def test_a_deep_colour_png_is_scaled_by_one_range(file, rgb):
    deep = rgb.astype(np.uint16) * 257
    path = file(imagecodecs.png_encode(deep), "png")
    expected = np.asarray(Image.fromarray(rgb).convert("L"))
    assert np.array_equal(read(path).grey, expected)


def test_exif_rotates_it_upright(file, grey):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = file(saved(Image.fromarray(grey), "png", exif=exif), "png")
    assert np.array_equal(read(path).grey, np.rot90(grey, -1))


@pytest.mark.parametrize("kind", KINDS)
def test_limits_are_inclusive(file, grey, kind):
    path = file(saved(Image.fromarray(grey), kind), kind)
    assert read(path, Limits(max_pixels=grey.size)).grey.size == grey.size
    assert reason_of(path, Limits(max_pixels=grey.size - 1)) == "bomb"
    assert reason_of(path, Limits(max_bytes=path.stat().st_size - 1)) == "too large"


def test_deep_samples_count_in_bytes(file, grey):
    path = file(imagecodecs.png_encode(grey.astype(np.uint16)), "png")
    assert reason_of(path, Limits(max_decoded_bytes=grey.size * 2 - 1)) == "bomb"


def lying_png(width, height):
    """A PNG whose header promises more than its few bytes hold."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_from_its_header(file):
    assert reason_of(file(lying_png(60_000, 60_000), "png")) == "bomb"


def test_missing_pixels_are_no_picture(file):
    assert reason_of(file(lying_png(100, 100), "png")) in ("truncated", "corrupt")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut(file, grey, kind):
    data = saved(Image.fromarray(grey), kind)
    assert reason_of(file(data[: len(data) // 2], kind)) in ("truncated", "corrupt")


def test_a_text_that_unpacks_to_a_great_deal_is_refused(file, grey):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("bomb", "a" * 20_000_000, zip=True)
    assert reason_of(file(saved(Image.fromarray(grey), "png", pnginfo=notes), "png")) == "corrupt"


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_promises_another_kind(tmp_path, grey, kind):
    path = tmp_path / "a.tif"
    path.write_bytes(saved(Image.fromarray(grey), kind))
    assert reason_of(path) == "wrong content"
