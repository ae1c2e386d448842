"""A picture is a function of the file: what no strip or tile holds is an error, not old memory."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import read
from tiffs import base_tags, by_hand


def reason_of(path: Path) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        read(path)
    return caught.value.reason


def planar(path: Path, rgb: np.ndarray, compression: str, **options: object) -> Path:
    """Three planes, each in tiles of 32 x 32."""
    planes = np.moveaxis(rgb, -1, 0)
    options |= {"photometric": "rgb", "planarconfig": "separate", "tile": (32, 32)}
    tifffile.imwrite(path, planes, compression=compression, metadata=None, **options)
    return path


PACKINGS = ["jpeg2000", "jpeg", "lerc", "deflate", "lzw", "png"]


@pytest.mark.parametrize("compression", PACKINGS)
def test_planes_that_are_all_there_are_read(tmp_path, rgb, compression):
    path = planar(tmp_path / "a.tif", rgb, compression)
    expected = np.asarray(Image.fromarray(rgb).convert("L")).astype(int)
    error = np.abs(read(path).grey - expected)
    # tifffile's default JPEG quality loses much of this noisy image; the others lose nothing.
    assert error.max() == 0 or (compression == "jpeg" and error.mean() < 6)


CONFIGURED = [(packing, value) for packing in PACKINGS for value in (1, 3, 0)]
CONFIGURED.remove(("jpeg", 1))  # libjpeg repeats the grey of each tile for the three channels


@pytest.mark.parametrize(("compression", "planar_configuration"), CONFIGURED)
def test_missing_planes_are_refused(tmp_path, rgb, compression, planar_configuration):
    """The header counts three channels, and all that is there is the first plane of one."""
    path = planar(tmp_path / "a.tif", rgb, compression)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tags = tiff.pages.first.tags
        tags["PlanarConfiguration"].overwrite(planar_configuration, dtype=3)
    assert reason_of(path) in ("corrupt", "truncated")


@pytest.mark.parametrize("compression", PACKINGS)
def test_a_plane_less_than_the_header_says_is_refused(tmp_path, rgb, compression):
    path = planar(tmp_path / "a.tif", rgb, compression)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("TileOffsets", "TileByteCounts"):
            tag = tiff.pages.first.tags[name]
            tag.overwrite(tag.value[: 2 * len(tag.value) // 3])
    assert reason_of(path) == "truncated"


@pytest.mark.parametrize("compression", PACKINGS)
def test_an_empty_tile_is_refused(tmp_path, rgb, compression):
    path = planar(tmp_path / "a.tif", rgb, compression)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tag = tiff.pages.first.tags["TileByteCounts"]
        tag.overwrite((*tag.value[:-1], 0))
    assert reason_of(path) == "truncated"


@pytest.mark.parametrize("kind", ["jpeg2000", "jpeg", "lerc", "jpegxl", "png"])
def test_a_segment_of_another_shape_is_refused(tmp_path, grey, kind):
    encode = {
        "jpeg2000": (34712, imagecodecs.jpeg2k_encode),
        "jpeg": (7, imagecodecs.jpeg8_encode),
        "lerc": (34887, imagecodecs.lerc_encode),
        "jpegxl": (50002, imagecodecs.jpegxl_encode),
        "png": (34933, imagecodecs.png_encode),
    }
    compression, encoder = encode[kind]
    tags = base_tags(grey.shape, [8], 1) | {259: (3, [compression])}
    whole = by_hand(tmp_path / "a.tif", bytes(encoder(grey)), tags)
    assert read(whole).grey.shape == grey.shape
    half = by_hand(tmp_path / "b.tif", bytes(encoder(grey[:24].copy())), tags)
    assert reason_of(half) in ("corrupt", "truncated")


@pytest.mark.parametrize("value", [0, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_planar_configuration_that_is_none_is_corrupt(tmp_path, grey, value, channels):
    body = np.repeat(grey[..., np.newaxis], channels, axis=2).tobytes()
    tags = base_tags(grey.shape, [8] * channels, 2 if channels == 3 else 1) | {284: (3, [value])}
    assert reason_of(by_hand(tmp_path / "a.tif", body, tags)) == "corrupt"


@pytest.mark.parametrize("compression", [1, 32773], ids=["plain", "PackBits"])
def test_a_predictor_means_nothing_where_libtiff_knows_none(tmp_path, grey, compression):
    packed = imagecodecs.packbits_encode(grey.tobytes()) if compression != 1 else grey.tobytes()
    tags = base_tags(grey.shape, [8], 1) | {259: (3, [compression]), 317: (3, [2])}
    path = by_hand(tmp_path / "a.tif", packed, tags)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), grey)
    np.testing.assert_array_equal(read(path).grey, grey)
