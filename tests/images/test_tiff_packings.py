"""The rows of the TIFF table in docs/reading.md on compressions, shared colours and bit order."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import read
from tiffs import FILES, base_tags, by_hand, by_pillow, by_tifffile, pillow_grey, stretched

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


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_inside(tmp_path, rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    path = by_pillow(tmp_path / "a.tif", image, compression="jpeg", quality=90)
    difference = read(path).grey.astype(int) - pillow_grey(path)
    assert np.abs(difference).max() <= 2  # Pillow's libtiff upsamples the colours more plainly


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


@pytest.mark.parametrize(
    ("name", "compression"),
    [("sgilog", 34676), ("sgilog24", 34677), ("pixarlog", 32909), ("jbig", 34661)],
)
def test_compressions_that_are_not_known_are_refused(name, compression):
    with pytest.raises(UnreadableImageError) as caught:
        read(FILES / f"{name}.tif")
    assert caught.value.reason == "unsupported"
    assert f"TIFF compression {compression} ({name.upper()})" in caught.value.detail


def old_jpeg(folder: Path, image: Image.Image, subsampling: int = 0) -> tuple[Path, bytes]:
    """An old-style JPEG (TIFF 6.0, section 22) of one whole strip, which no program writes now."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90, subsampling=subsampling)
    channels = len(image.getbands())
    tags = base_tags(image.size[::-1], [8] * channels, 1 if channels == 1 else 6)
    tags |= {259: (3, [6]), 512: (3, [1]), 513: (4, [0]), 514: (4, [0])}
    if channels == 3:
        tags[530] = (3, [[1, 1], [2, 1], [2, 2]][subsampling])
    return by_hand(folder / "a.tif", stream.getvalue(), tags), stream.getvalue()


def overwrite(path: Path, **tags: int) -> None:
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name, value in tags.items():
            tiff.pages.first.tags[name].overwrite(value)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_old_style_jpeg_of_whole_strips(tmp_path, rgb, mode, subsampling):
    path, stream = old_jpeg(tmp_path, Image.fromarray(rgb).convert(mode), subsampling)
    with Image.open(io.BytesIO(stream)) as image:
        np.testing.assert_array_equal(read(path).grey, np.asarray(image.convert("L")))
    if mode == "RGB":  # Pillow leaves it to libtiff, but cannot do so for grey
        assert np.abs(read(path).grey.astype(int) - pillow_grey(path)).max() <= 2


def test_old_style_jpeg_whose_tables_lie_apart_is_refused(tmp_path, rgb):
    path, stream = old_jpeg(tmp_path, Image.fromarray(rgb))
    ((start, size),) = segments_at(path)
    scan = stream.index(b"\xff\xda") + 14  # the header of a scan of three components
    overwrite(path, JPEGInterchangeFormat=start, JPEGInterchangeFormatLength=size)
    overwrite(path, StripOffsets=start + scan, StripByteCounts=size - scan)
    assert pillow_grey(path).shape == rgb.shape[:2]  # libtiff finds them
    with pytest.raises(UnreadableImageError, match="unsupported: an old-style JPEG"):
        read(path)


def test_old_style_jpeg_that_ends_early_is_refused(tmp_path, rgb):
    path, stream = old_jpeg(tmp_path, Image.fromarray(rgb))
    overwrite(path, StripByteCounts=len(stream) // 2)
    with pytest.raises(UnreadableImageError, match="truncated"):
        read(path)


def segments_at(path: Path) -> list[tuple[int, int]]:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


SHARED = [((2, 1), (17, 15)), ((2, 2), (17, 15)), ((1, 2), (9, 23)), ((4, 2), (17, 15))]
SHARED += [((4, 4), (16, 20))]  # whole units: libtiff mixes the colours of the last broken one


@pytest.mark.parametrize(("subsampling", "size"), SHARED)
def test_ycbcr_subsampled_without_jpeg_as_in_libtiff(tmp_path, subsampling, size):
    (across, down), (width, height) = subsampling, size
    units = -(-width // across) * -(-height // down)
    samples = np.random.default_rng(1).integers(0, 256, units * (across * down + 2), np.uint8)
    tags = base_tags((height, width), [8, 8, 8], 6) | {530: (3, [across, down])}
    packed = by_hand(tmp_path / "a.tif", imagecodecs.zlib_encode(samples), tags | {259: (3, [8])})
    grey = read(packed).grey
    # Pillow leaves packed strips to libtiff, and takes plain ones for whole pixels.
    assert np.abs(grey.astype(int) - pillow_grey(packed)).max() <= 1
    plain = by_hand(tmp_path / "b.tif", samples.tobytes(), tags)
    np.testing.assert_array_equal(read(plain).grey, grey)


def test_least_significant_bit_first(tmp_path, grey):
    image = Image.fromarray(grey).convert("1")
    path = by_pillow(tmp_path / "a.tif", image, compression="group4", tiffinfo={266: 2})
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages.first.fillorder == 2
    np.testing.assert_array_equal(read(path).grey, np.asarray(image.convert("L")))


def test_least_significant_bit_first_in_packed_deep_samples():
    down, across = np.mgrid[0:24, 0:32]
    expected = (across * 8 + down * 3) % 256
    np.testing.assert_array_equal(read(FILES / "lsbfirst-lzw.tif").grey, stretched(expected))
