"""One test for each row of the JPEG table in docs/reading.md."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageOps

from backlabel.errors import UnreadableImageError
from backlabel.images import Limits, read
from backlabel.images.luma import luma
from tiffs import FILES


def by_pillow(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, "JPEG", **options)
    return path


def plain_chain(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def luma_channel(path: Path) -> np.ndarray:
    """As Pillow's own shortcut to grey has it."""
    with Image.open(path) as image:
        image.draft("L", None)
        assert image.mode == "L"
        return np.asarray(image)


SIZES = [(80, 48), (79, 47), (16, 16), (1, 1), (8, 200), (3, 5)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [20, 75, 100])
def test_the_grey_of_colours_is_the_luma_channel(
    tmp_path, rgb, *, size, subsampling, progressive, quality
):
    options = {"subsampling": subsampling, "progressive": progressive, "quality": quality}
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb).resize(size), **options)
    np.testing.assert_array_equal(read(path).grey, luma_channel(path))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411"])
def test_where_chroma_is_neutral_that_is_the_plain_chain(tmp_path, grey, size, subsampling):
    path, neutral = tmp_path / "a.jpg", Image.fromarray(grey).resize(size).convert("RGB")
    for quality in (30, 75, 100):
        data = simplejpeg.encode_jpeg(np.array(neutral), quality, "RGB", subsampling)
        path.write_bytes(data)
        np.testing.assert_array_equal(read(path).grey, plain_chain(path))


def sample_jpegs() -> list[Path]:
    """The JPEGs of the sample data, as the repository's own remote holds them."""
    contents = (Path(__file__).parents[2] / "sample-remote").rglob("files/md5/*/*")
    return [path for path in sorted(contents) if path.read_bytes()[:3] == b"\xff\xd8\xff"]


def test_the_sample_is_read_as_by_pillow():
    paths = sample_jpegs()
    assert len(paths) > 30
    for path in paths:
        grey = read(path).grey
        np.testing.assert_array_equal(grey, luma_channel(path))
        if is_neutral(path):
            np.testing.assert_array_equal(grey, plain_chain(path))
    assert sum(map(is_neutral, paths)) > 30


def is_neutral(path: Path) -> bool:
    with Image.open(path) as image:
        image.draft("YCbCr", None)
        return image.mode == "L" or bool((np.asarray(image)[..., 1:] == 128).all())


@pytest.mark.parametrize("progressive", [False, True])
def test_grey_is_as_in_the_plain_chain(tmp_path, grey, progressive):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(grey), progressive=progressive)
    np.testing.assert_array_equal(read(path).grey, plain_chain(path))


def test_a_coloured_databar_counts_by_its_luma_alone(tmp_path, grey):
    bar = np.dstack([grey] * 3)
    bar[40:] = 250, 30, 60
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(bar), quality=100)
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, luma_channel(path))
    # 0.299 * 250 + 0.587 * 30 + 0.114 * 60 = 99.2
    assert abs(int(picture.grey[46, 40]) - 99) <= 2


def with_marker(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with another segment right after its start."""
    return data[:2] + bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def with_factors(data: bytes, factors: int) -> bytes:
    """A JPEG whose header says other sampling factors for luma than the pixels were coded with."""
    changed = bytearray(data)
    changed[data.index(b"\xff\xc0") + 11] = factors
    return bytes(changed)


def before_the_scan(data: bytes, stray: bytes) -> bytes:
    scan = data.index(b"\xff\xda")
    return data[:scan] + stray + data[scan:]


UNUSUAL = {
    "3 x 1 pixels share a colour": lambda data: with_factors(data, 0x31),
    "1 x 4 pixels share a colour": lambda data: with_factors(data, 0x14),
    "an unknown Adobe transform": lambda data: with_marker(data, 0xEE, b"Adobe\0d\0\0\0\0\7"),
    "bytes before a marker": lambda data: before_the_scan(data, b"stray"),
    "half an ICC profile": lambda data: with_marker(data, 0xE2, b"ICC_PROFILE\0\2\x09half"),
    "an EXIF block that is none": lambda data: with_marker(data, 0xE1, b"Exif\0\0none"),
    "an end before the last rows": lambda data: data[:-400] + b"\xff\xd9",
}


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL)
def test_what_pillow_reads_is_read(tmp_path, rgb, change):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb), quality=90, subsampling=0)
    path.write_bytes(change(path.read_bytes()))
    np.testing.assert_array_equal(read(path).grey, luma_channel(path))


def test_a_note_says_that_the_decoder_warned(tmp_path, rgb):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb))
    assert read(path).note == ""
    path.write_bytes(before_the_scan(path.read_bytes(), b"stray"))
    assert read(path).note == "unusual or damaged JPEG"


def test_the_limits_hold_before_pillow_is_asked(tmp_path, rgb):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb))
    path.write_bytes(before_the_scan(path.read_bytes(), b"stray"))
    with pytest.raises(UnreadableImageError, match="bomb"):
        read(path, Limits(max_pixels=rgb[..., 0].size - 1))


def test_cmyk(tmp_path, rgb):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb).convert("CMYK"))
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, plain_chain(path))
    assert picture.note == "CMYK"


def test_ycck(tmp_path, rgb):
    inks = np.asarray(Image.fromarray(rgb).convert("CMYK"))
    path = tmp_path / "a.jpg"
    # Adobe stores inks the other way round, and so does Pillow.
    path.write_bytes(
        imagecodecs.jpeg8_encode(255 - inks, level=100, colorspace="CMYK", outcolorspace="YCCK")
    )
    with Image.open(path) as image:
        assert image.info["adobe_transform"] == 2  # YCCK
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, plain_chain(path))
    expected = np.asarray(Image.fromarray(rgb).convert("L")).astype(int)
    assert np.abs(picture.grey - expected).mean() < 3
    assert picture.note == "CMYK"


@pytest.mark.parametrize("colours", ["RGB", "YCBCR"])
def test_colours_stored_as_rgb_or_ycbcr_by_another_encoder(tmp_path, rgb, colours):
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(rgb, level=95, outcolorspace=colours))
    np.testing.assert_array_equal(read(path).grey, luma_channel(path))


def test_12_bits_are_scaled_by_their_range(tmp_path, grey):
    samples = grey.astype(np.uint16) * 8 + 100
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(samples, level=100, bitspersample=12))
    picture = read(path)
    assert picture.note.startswith("12 bit scaled ")
    assert (picture.grey.min(), picture.grey.max()) == (0, 255)
    assert np.abs(picture.grey.astype(int) - grey).max() <= 3


def test_lossless_16_bits_are_scaled_by_their_range(tmp_path, grey):
    path = tmp_path / "a.jpg"
    samples = grey.astype(np.uint16) * 200
    path.write_bytes(imagecodecs.jpeg8_encode(samples, lossless=True, bitspersample=16))
    np.testing.assert_array_equal(read(path).grey, grey)


def test_lossless_8_bits_are_the_same_numbers(tmp_path, grey):
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(grey // 2, lossless=True))
    np.testing.assert_array_equal(read(path).grey, grey // 2)


def test_arithmetic_coding():
    path = FILES / "arithmetic.jpg"
    np.testing.assert_array_equal(read(path).grey, plain_chain(path))
    down, across = np.mgrid[0:24, 0:32]
    assert np.abs(read(path).grey.astype(int) - (across * 8 + down * 3) % 256).mean() < 2


@pytest.mark.parametrize(
    ("encode", "detail"),
    [
        (imagecodecs.jpegls_encode, "JPEG-LS"),
        (lambda grey: imagecodecs.jpeg8_encode(np.dstack([grey, grey])), "2 colour components"),
        (lambda _: (FILES / "five.jpg").read_bytes(), "5 colour components"),
    ],
    ids=["JPEG-LS", "two", "five"],
)
def test_other_codes_and_numbers_of_components_are_refused(tmp_path, grey, encode, detail):
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(grey))
    with pytest.raises(UnreadableImageError, match=rf"unsupported: .*{detail}"):
        read(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_as_exif_says(tmp_path, rgb, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb), exif=exif)
    with Image.open(path) as image:
        image.draft("L", None)
        upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read(path).grey, upright)


@pytest.mark.parametrize("exif", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"no TIFF at all"])
def test_broken_exif_rotates_nothing(tmp_path, grey, exif):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(grey), exif=b"Exif\0\0" + exif)
    bare = by_pillow(tmp_path / "bare.jpg", Image.fromarray(grey))
    np.testing.assert_array_equal(read(path).grey, plain_chain(bare))


def test_first_picture_of_several(tmp_path, grey):
    path = tmp_path / "a.jpg"
    first, second = Image.fromarray(grey), Image.fromarray(np.flipud(grey))
    first.save(path, "MPO", save_all=True, append_images=[second])
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, plain_chain(path))
    assert picture.note == "first picture of several"


def test_bytes_after_the_end_do_not_matter(tmp_path, rgb):
    path = by_pillow(tmp_path / "a.jpg", Image.fromarray(rgb))
    before = read(path).grey
    path.write_bytes(path.read_bytes() + bytes(300) + b"trailer")
    np.testing.assert_array_equal(read(path).grey, before)


def test_luma_is_the_weighted_sum_of_itu_r_601():
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, len(steps), 3)
    weighted = cube @ np.array([19595, 38470, 7471], np.uint32)  # 0.299, 0.587, 0.114 of 65,536
    expected = ((weighted + 32768) >> 16).astype(np.uint8)
    np.testing.assert_array_equal(luma(cube), expected)
    np.testing.assert_array_equal(luma(np.dstack([cube, cube[..., :1]])), expected)
