"""One test for each row of the TIFF table in docs/reading.md, on files of other programs."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from backlabel.errors import UnreadableImageError
from backlabel.images import read


def pillow_grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def by_tifffile(path: Path, samples: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, samples, **options)
    return path


def by_pillow(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, "TIFF", **options)
    return path


def by_hand(
    path: Path, body: bytes, tags: dict[int, tuple[int, list[int]]], *, order: str = "<"
) -> Path:
    """A TIFF of one strip and one directory, after TIFF 6.0 section 2; tags are (type, values)."""
    codes = {1: "B", 3: "H", 4: "I"}
    tags = {**tags, 279: (4, [len(body)])}
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    tags[273] = (4, [start + 4096])
    entries, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        field = struct.pack(f"{order}{len(values)}{codes[kind]}", *values)
        if len(field) > 4:
            field, extra = struct.pack(f"{order}I", start + len(extra)), extra + field
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + field.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}I", 8) + struct.pack(f"{order}H", len(tags))
    path.write_bytes(head + entries + bytes(4) + extra.ljust(4096, b"\0") + body)
    return path


def base_tags(shape: tuple[int, int], bits: list[int], photometric: int) -> dict:
    height, width = shape
    return {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, bits),
        259: (3, [1]),
        262: (3, [photometric]),
        277: (3, [len(bits)]),
        278: (4, [height]),
    }


def stretched(samples: np.ndarray) -> np.ndarray:
    """Least finite value 0, greatest 255, in exact terms: the rule for deep images."""
    values = samples.astype(np.longdouble)
    finite = np.isfinite(values)
    low, high = values[finite].min(), values[finite].max()
    share = np.where(finite, (values - low) / (high - low), 0)
    share[values == np.inf] = 1
    return np.rint(share * 255).astype(np.uint8)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "1", "CMYK"])
def test_pillows_own_tiffs_are_as_pillow_reads_them(tmp_path, rgb, mode, compression):
    image = Image.fromarray(rgb).convert(mode)
    path = by_pillow(tmp_path / "a.tif", image, compression=compression)
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", [0, 1], ids=["white is zero", "black is zero"])
def test_few_bits_become_the_whole_range_as_in_pillow(tmp_path, grey, bits, photometric):
    packed = imagecodecs.packints_encode(grey >> (8 - bits), bits)
    path = by_hand(tmp_path / "a.tif", packed, base_tags(grey.shape, [bits], photometric))
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


def test_white_is_zero_is_turned_round(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, photometric="miniswhite")
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, 255 - grey)
    assert picture.note == "white is zero"


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
    packed = imagecodecs.packints_encode(samples, 12)
    path = by_hand(tmp_path / "a.tif", packed, base_tags(grey.shape, [12], 1))
    np.testing.assert_array_equal(read(path).grey, stretched(samples))


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


def test_cmyk(tmp_path, rgb):
    inks = np.dstack([rgb, rgb[..., 0]])
    path = by_tifffile(tmp_path / "a.tif", inks, photometric="separated")
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_inside(tmp_path, rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    path = by_pillow(tmp_path / "a.tif", image, compression="jpeg", quality=90)
    difference = read(path).grey.astype(int) - pillow_grey(path)
    assert np.abs(difference).max() <= 2  # Pillow's libtiff upsamples the colours more plainly


def test_ycbcr_without_subsampling(tmp_path, rgb):
    image = Image.fromarray(rgb).convert("YCbCr")
    tags = base_tags(rgb.shape[:2], [8, 8, 8], 6) | {530: (3, [1, 1])}
    path = by_hand(tmp_path / "a.tif", image.tobytes(), tags)
    np.testing.assert_array_equal(read(path).grey, np.asarray(image.convert("RGB").convert("L")))


def test_lightness_of_lab(tmp_path, rgb):
    path = by_tifffile(tmp_path / "a.tif", rgb, photometric="cielab")
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, rgb[..., 0])
    assert picture.note == "Lab"


def test_bigtiff(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, bigtiff=True, rowsperstrip=5)
    np.testing.assert_array_equal(read(path).grey, grey)


LOSSLESS = ["deflate", "zlib", "lzw", "packbits", "zstd", "lzma", "png", "jpegxl", "jpeg2000"]
LOSSLESS += ["webp", "lerc"]


@pytest.mark.parametrize("tile", [None, (16, 32)], ids=["strips", "tiles"])
@pytest.mark.parametrize("compression", LOSSLESS)
def test_lossless_compressions_of_imagecodecs(tmp_path, grey, rgb, compression, tile):
    samples = rgb if compression == "webp" else grey
    options = {"compressionargs": {"lossless": True}} if compression == "webp" else {}
    path = by_tifffile(
        tmp_path / "a.tif",
        samples,
        compression=compression,
        tile=tile,
        rowsperstrip=None,
        **options,
    )
    expected = np.asarray(Image.fromarray(samples).convert("L"))
    np.testing.assert_array_equal(read(path).grey, expected)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax(tmp_path, grey, compression):
    image = Image.fromarray(grey).convert("1")
    path = by_pillow(tmp_path / "a.tif", image, compression=compression)
    np.testing.assert_array_equal(read(path).grey, pillow_grey(path))


@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_predictors(tmp_path, grey, compression, kind):
    path = by_tifffile(
        tmp_path / "a.tif", grey.astype(kind), compression=compression, predictor=True
    )
    expected = grey if kind == "u1" else stretched(grey)
    np.testing.assert_array_equal(read(path).grey, expected)


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


def test_least_significant_bit_first(tmp_path, grey):
    image = Image.fromarray(grey).convert("1")
    flipped = imagecodecs.bitorder_decode(np.packbits(np.asarray(image), axis=-1).tobytes())
    path = by_hand(tmp_path / "a.tif", flipped, base_tags(grey.shape, [1], 1) | {266: (3, [2])})
    np.testing.assert_array_equal(read(path).grey, np.asarray(image.convert("L")))


def test_odd_numbers_of_bits_are_rounded(tmp_path, grey):
    packed = imagecodecs.packints_encode(grey >> 5, 3)
    path = by_hand(tmp_path / "a.tif", packed, base_tags(grey.shape, [3], 1))
    np.testing.assert_array_equal(read(path).grey, np.rint((grey >> 5) * (255 / 7)))


def test_deep_white_is_zero_is_turned_round(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey.astype(np.uint16) * 100, photometric="miniswhite")
    np.testing.assert_array_equal(read(path).grey, 255 - stretched(grey))


def test_grey_with_further_channels(tmp_path, grey):
    samples = np.dstack([grey, 255 - grey, grey // 2])
    path = by_tifffile(tmp_path / "a.tif", samples, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(read(path).grey, grey)


@pytest.mark.parametrize("subsampling", [(2, 1), (2, 2)])
def test_ycbcr_subsampled_without_jpeg(tmp_path, subsampling):
    across, down = subsampling
    unit = [100] * (across * down) + [90, 160]  # brightness of each pixel, then the two colours
    units = 8 // across * (8 // down)
    tags = base_tags((8, 8), [8, 8, 8], 6) | {530: (3, list(subsampling))}
    path = by_hand(tmp_path / "a.tif", bytes(unit * units), tags)
    flat = Image.new("YCbCr", (8, 8), (100, 90, 160)).convert("RGB").convert("L")
    assert np.abs(read(path).grey.astype(int) - np.asarray(flat)).max() <= 1


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


def test_jpeg_xr_as_its_own_decoder_has_it(tmp_path, grey):
    path = by_tifffile(tmp_path / "a.tif", grey, compression="jpegxr")
    (segment,) = segments_of(path)
    np.testing.assert_array_equal(read(path).grey, imagecodecs.jpegxr_decode(segment))


def segments_of(path: Path) -> list[bytes]:
    with tifffile.TiffFile(path) as tiff:
        page, file = tiff.pages.first, tiff.filehandle
        return [
            file.seek(offset) and file.read(count)
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]
