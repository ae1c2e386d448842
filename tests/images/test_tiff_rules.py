"""The rows of the TIFF table in docs/reading.md on depth, colour, pages and orientation.

On files of other programs; test_tiff_packings.py has the rows on how samples are stored.
"""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from backlabel.errors import UnreadableImageError
from backlabel.images import read, read_unit
from tiffs import FILES, base_tags, by_hand, by_pillow, by_tifffile, pillow_grey, stretched


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "1", "CMYK"])
def test_pillows_own_tiffs_are_as_pillow_reads_them(tmp_path, rgb, mode, compression):
    image = Image.fromarray(rgb).convert(mode)
    path = by_pillow(tmp_path / "a.tif", image, compression=compression)
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
def test_few_bits_become_the_whole_range_as_in_pillow(tmp_path, grey, bits, photometric):
    path = by_tifffile(
        tmp_path / "a.tif", grey >> (8 - bits), bitspersample=bits, photometric=photometric
    )
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


@pytest.mark.parametrize("bits", [3, 5, 6, 7])
def test_odd_numbers_of_bits_are_rounded(tmp_path, grey, bits):
    few = grey >> (8 - bits)
    path = by_tifffile(tmp_path / "a.tif", few, bitspersample=bits)
    np.testing.assert_array_equal(read(path).grey, np.rint(few * (255 / ((1 << bits) - 1))))


def test_more_than_the_header_says_is_refused(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, compression="jpegxl")
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags["BitsPerSample"].overwrite(4)
    with pytest.raises(UnreadableImageError, match="corrupt: it holds more than the 4 bit"):
        read(path)


def test_white_is_zero_is_inverted(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, photometric="miniswhite")
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, 255 - grey)
    assert picture.note == "white is zero"


@pytest.mark.parametrize("kind", ["u2", "i4", "f4"])
def test_deep_white_is_zero_is_inverted(tmp_path, grey, kind):
    samples = (grey * 100.0).astype(kind)
    path = by_tifffile(tmp_path / "a.tif", samples, photometric="miniswhite")
    np.testing.assert_array_equal(read(path).grey, 255 - stretched(samples))


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("kind", ["u2", "u4", "i2", "i4", "f2", "f4", "f8", "u8", "i8"])
def test_deep_images_are_scaled_by_their_range(tmp_path, grey, kind, order):
    samples = (grey.astype(np.float64) * 100 - (5000 if kind[0] != "u" else -70)).astype(kind)
    path = by_tifffile(tmp_path / "a.tif", samples, byteorder=order, photometric="minisblack")
    np.testing.assert_array_equal(read(path).grey, stretched(samples))


def test_a_note_tells_the_range(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey.astype(np.uint16) * 16)
    assert read(path).note == "16 bit scaled 0..4080"


def test_12_bits_packed(tmp_path, grey):
    samples = grey.astype(np.uint16) * 16 + 9
    path = by_tifffile(tmp_path / "a.tif", samples, bitspersample=12)
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, stretched(samples))
    assert picture.note == "12 bit scaled 9..4089"


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_floats_of_24_bits(tmp_path, grey, order):
    # A sign, 7 bits of exponent and 16 of mantissa (Adobe's TIFF Technical Note 3): all of these
    # numbers are exact. GDAL 3.10 read the same two files alike; nothing at hand writes such files.
    samples = (grey.astype(np.float32) - 100) * np.float32(37.25)
    packed = imagecodecs.float24_encode(samples, byteorder=order)
    tags = base_tags(grey.shape, [24], 1) | {339: (3, [3])}
    path = by_hand(tmp_path / "a.tif", bytes(packed), tags, order=order)
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, stretched(samples))
    assert picture.note == "float 24 bit scaled -3725..5773.75"


def test_signed_bytes_keep_their_order(tmp_path, grey):
    signed = (grey.astype(np.int16) - 128).astype(np.int8)
    path = by_tifffile(tmp_path / "a.tif", signed, photometric="minisblack")
    np.testing.assert_array_equal(read(path).grey, grey)


def test_values_that_are_no_numbers_are_black_and_infinity_is_white(tmp_path, grey):
    samples = grey.astype(np.float32)
    samples[5, :4] = np.nan, np.inf, -np.inf, 300
    path = by_tifffile(tmp_path / "a.tif", samples)
    picture = read(path)
    np.testing.assert_array_equal(picture.grey[5, :4], [0, 255, 0, 255])
    np.testing.assert_array_equal(picture.grey, stretched(samples))


def test_greatest_floats_do_not_overflow(tmp_path):
    top = np.finfo(np.float64).max
    path = by_tifffile(tmp_path / "a.tif", np.array([[-top, 0, top]]), photometric="minisblack")
    np.testing.assert_array_equal(read(path).grey, [[0, 128, 255]])


def test_two_deep_images_do_not_collapse(tmp_path, grey):
    one = by_tifffile(tmp_path / "a.tif", grey.astype(np.uint16) + 40_000)
    two = by_tifffile(tmp_path / "b.tif", np.flipud(grey).astype(np.uint16) + 40_000)
    assert len(np.unique(read(one).grey)) == 256
    assert (read(one).grey != read(two).grey).mean() > 0.5


def test_deep_colour_is_scaled_as_one(tmp_path, rgb):
    path = by_tifffile(tmp_path / "a.tif", rgb.astype(np.uint16) * 256, photometric="rgb")
    expected = np.asarray(Image.fromarray(stretched(rgb)).convert("L"))
    np.testing.assert_array_equal(read(path).grey, expected)


def test_palette_of_16_bit_colours(tmp_path, grey):
    colours = np.random.default_rng(1).integers(0, 1 << 16, (3, 256), dtype=np.uint16)
    path = by_tifffile(tmp_path / "a.tif", grey, photometric="palette", colormap=colours)
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, pillow_grey(path))
    assert picture.note == "palette"


def test_palette_that_holds_8_bit_colours_is_not_black(tmp_path, grey):
    ramp = np.tile(np.arange(255, -1, -1, dtype=np.uint16), (3, 1))
    path = by_tifffile(tmp_path / "a.tif", grey, photometric="palette", colormap=ramp)
    np.testing.assert_array_equal(read(path).grey, 255 - grey)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palette_of_few_colours(bits):
    path = FILES / f"palette{bits}.tif"
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


def test_palette_of_65536_colours(tmp_path, grey):
    colours = np.random.default_rng(1).integers(0, 1 << 16, (3, 1 << 16), dtype=np.uint16)
    index = grey.astype(np.uint16) * 257
    path = by_tifffile(tmp_path / "a.tif", index, photometric="palette", colormap=colours)
    expected = Image.fromarray(np.moveaxis(colours[:, index] >> 8, 0, -1).astype(np.uint8))
    np.testing.assert_array_equal(read(path).grey, np.asarray(expected.convert("L")))


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 32)], ids=["strips", "tiles"])
def test_planes_and_tiles(tmp_path, rgb, planar, tile):
    samples = rgb if planar == "contig" else np.moveaxis(rgb, -1, 0)
    path = by_tifffile(
        tmp_path / "a.tif", samples, photometric="rgb", planarconfig=planar, tile=tile
    )
    np.testing.assert_array_equal(read(path).grey, np.asarray(Image.fromarray(rgb).convert("L")))


def test_alpha_is_left_out(tmp_path, rgb):
    alpha = np.dstack([rgb, rgb[..., 0]])
    path = by_tifffile(tmp_path / "a.tif", alpha, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read(path).grey, np.asarray(Image.fromarray(rgb).convert("L")))


def test_alpha_that_was_multiplied_in_is_divided_out_as_in_pillow(tmp_path, rgb):
    alpha = np.dstack([rgb, np.flipud(rgb[..., 1])])
    path = by_tifffile(tmp_path / "a.tif", alpha, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


@pytest.mark.parametrize("kind", ["u2", "u4", "f4"])
def test_deep_alpha_is_divided_out_before_scaling(tmp_path, rgb, kind):
    top = 1 if kind == "f4" else np.iinfo(kind).max
    colour = rgb / 255  # as it was before
    alpha = np.linspace(0.2, 1, rgb[..., 0].size).reshape(rgb.shape[:2])
    samples = np.dstack([colour * alpha[..., np.newaxis], alpha]) * top
    path = by_tifffile(
        tmp_path / "a.tif", samples.astype(kind), photometric="rgb", extrasamples=["assocalpha"]
    )
    expected = np.asarray(Image.fromarray(rgb).convert("L")).astype(int)
    assert np.abs(read(path).grey - expected).max() <= 1
    assert np.abs(read_unit(path) * 255 - expected).max() <= 1
    if kind == "u2":  # deeper ones Pillow does not read, and this one in 8 bits
        assert np.abs(pillow_grey(path) - expected).max() <= 6


def test_nothing_is_seen_where_alpha_is_0(tmp_path, rgb):
    samples = np.dstack([rgb, np.zeros_like(rgb[..., 0])]).astype(np.float32)
    samples[0, 0, 3] = 1
    path = by_tifffile(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=["assocalpha"])
    assert np.count_nonzero(read(path).grey) <= 1


def test_cmyk(tmp_path, rgb):
    inks = np.dstack([rgb, rgb[..., 0]])
    path = by_tifffile(tmp_path / "a.tif", inks, photometric="separated")
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


def test_ycbcr_without_subsampling(tmp_path, rgb):
    image = Image.fromarray(rgb).convert("YCbCr")
    tags = base_tags(rgb.shape[:2], [8, 8, 8], 6) | {530: (3, [1, 1])}
    path = by_hand(tmp_path / "a.tif", image.tobytes(), tags)
    np.testing.assert_array_equal(read(path).grey, np.asarray(image.convert("RGB").convert("L")))


def test_deep_cmyk(tmp_path, rgb):
    inks = np.dstack([rgb, rgb[..., 0] // 2])
    path = by_tifffile(tmp_path / "a.tif", inks.astype(np.uint16) * 257, photometric="separated")
    expected = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB").convert("L"))
    np.testing.assert_array_equal(read(path).grey, expected)


def test_brightness_of_deep_ycbcr(tmp_path, grey):
    colourless = np.full_like(grey, 128).astype(np.uint16) * 256
    samples = np.dstack([grey.astype(np.uint16) * 16 + 1000, colourless, colourless])
    path = by_tifffile(
        tmp_path / "a.tif", samples, photometric="ycbcr", extratags=[(530, 3, 2, (1, 1), True)]
    )
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, grey)
    assert picture.note == "YCbCr, 16 bit scaled 1000..5080"


def test_lightness_of_lab(tmp_path, rgb):
    path = by_tifffile(tmp_path / "a.tif", rgb, photometric="cielab")
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, rgb[..., 0])
    assert picture.note == "Lab"


def test_bigtiff(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, bigtiff=True, rowsperstrip=5)
    np.testing.assert_array_equal(read(path).grey, grey)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_stands_the_picture_upright(tmp_path, grey, orientation):
    # Not by opening the TIFF in Pillow: 13.0 shears uncompressed ones of orientation 5 to 8.
    image = Image.fromarray(grey)
    image.getexif()[274] = orientation
    path = by_pillow(tmp_path / "a.tif", Image.fromarray(grey), tiffinfo={274: orientation})
    np.testing.assert_array_equal(read(path).grey, np.asarray(ImageOps.exif_transpose(image)))


def test_first_of_the_pages_of_full_size(tmp_path, grey):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(grey[::4, ::4])
        writer.write(grey, subfiletype=1)
        writer.write(grey)
        writer.write(np.flipud(grey))
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, grey)
    assert picture.note == "page 3 of 4"


@pytest.mark.parametrize(("number", "taken"), [(255, 255), (256, 0)])
def test_pages_behind_the_256th_are_not_looked_at(tmp_path, grey, number, taken):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for page in range(300):
            writer.write(grey if page == number else grey[:2, :2], metadata=None)
    assert read(path).note == f"page {taken + 1} of 256 or more"


def test_a_picture_in_a_sub_page_behind_its_preview(tmp_path, grey):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(grey[::4, ::4], subfiletype=1, subifds=1)
        writer.write(grey)
    np.testing.assert_array_equal(read(path).grey, grey)


def test_a_chain_that_breaks_behind_the_first_page(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, metadata=None)
    data = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * entries, 1 << 30)
    path.write_bytes(data)
    np.testing.assert_array_equal(read(path).grey, grey)


def test_grey_with_further_channels(tmp_path, grey):
    samples = np.dstack([grey, 255 - grey, grey // 2])
    path = by_tifffile(tmp_path / "a.tif", samples, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(read(path).grey, grey)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.full((4, 4), np.nan, np.float32), "no values"),
        (np.ones((4, 4), np.complex64), "unsupported"),
    ],
    ids=["no finite pixel", "complex"],
)
def test_numbers_that_are_no_brightness_are_refused(tmp_path, samples, reason):
    path = by_tifffile(tmp_path / "a.tif", samples, photometric="minisblack")
    with pytest.raises(UnreadableImageError) as caught:
        read(path)
    assert caught.value.reason == reason


def test_a_constant_deep_image_is_black(tmp_path):
    path = by_tifffile(tmp_path / "a.tif", np.full((4, 4), 999, np.uint16))
    np.testing.assert_array_equal(read(path).grey, np.zeros((4, 4)))


def test_bytes_behind_the_image_do_not_matter(tmp_path, rgb):
    path = by_tifffile(tmp_path / "a.tif", rgb, photometric="rgb")
    before = read(path).grey
    path.write_bytes(path.read_bytes() + bytes(300) + b"trailer")
    np.testing.assert_array_equal(read(path).grey, before)
