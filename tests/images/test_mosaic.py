"""Pictures above the pixel limit, reduced while they are read."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import tifffile

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing.cache import Hashed
from backlabel.hashing.file import hash_file
from backlabel.images import mosaic, read, read_samples, read_unit
from backlabel.inventory.files import Listed
from backlabel.kernels import compile_all
from backlabel.workers import crew
from workspace import picture

pytestmark = pytest.mark.slow

SHAPE = 100, 130
LIMITS = images.Limits(max_pixels=1000, max_mosaic_pixels=100_000)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A picture of 100 x 130 is a mosaic, and is reduced to a third."""
    monkeypatch.setattr(mosaic, "MOST_PIXELS", 1500)


def mean(samples, side=3):
    """The mean of each square, slowly."""
    height, width = samples.shape[:2]
    return np.array(
        [
            [
                samples[top : top + side, left : left + side].astype(np.float64).mean(axis=(0, 1))
                for left in range(0, width, side)
            ]
            for top in range(0, height, side)
        ]
    )


WAYS = {
    "one plain strip": {},
    "strips": {"rowsperstrip": 7},
    "tiles": {"tile": (16, 32)},
    "packed tiles": {"tile": (32, 16), "compression": "zlib", "predictor": True},
    "LZW strips": {"rowsperstrip": 9, "compression": "lzw"},
    "big-endian": {"byteorder": ">", "rowsperstrip": 11},
}


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_each_pixel_is_the_mean_of_a_square(tmp_path, how):
    grey = picture(1, *SHAPE)
    tifffile.imwrite(tmp_path / "a.tif", grey, **how)
    found = read(tmp_path / "a.tif", LIMITS)
    np.testing.assert_array_equal(found.grey, np.rint(mean(grey)))
    assert (found.note, found.size) == ("reduced to 1/3", SHAPE)


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_a_deep_mosaic_gets_its_range_afterwards(tmp_path, how):
    deep = picture(1, *SHAPE).astype(np.uint16) * 200 + 999
    tifffile.imwrite(tmp_path / "a.tif", deep, **how)
    wanted = np.rint(mean(deep)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "small.tif", wanted)
    np.testing.assert_array_equal(
        read(tmp_path / "a.tif", LIMITS).grey, read(tmp_path / "small.tif").grey
    )
    np.testing.assert_array_equal(read_samples(tmp_path / "a.tif", LIMITS)[..., 0], wanted)
    unit = read_unit(tmp_path / "a.tif", LIMITS)
    assert (unit.min(), unit.max(), unit.shape) == (0, 1, wanted.shape)


def test_colours_become_grey_before_they_are_averaged(tmp_path):
    colours = np.dstack([picture(seed, *SHAPE) for seed in (1, 2, 3)])
    tifffile.imwrite(tmp_path / "a.tif", colours, tile=(16, 16), photometric="rgb")
    grey = read(tmp_path / "a.tif").grey
    np.testing.assert_array_equal(read(tmp_path / "a.tif", LIMITS).grey, np.rint(mean(grey)))


def test_floats(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(1, *SHAPE) / np.float32(7), tile=(16, 16))
    found = read(tmp_path / "a.tif", LIMITS)
    assert (found.grey.min(), found.grey.max()) == (0, 255)


def reason(path, limits):
    with pytest.raises(UnreadableImageError) as error:
        read(path, limits)
    return error.value.reason


def test_the_limits(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", picture(1, *SHAPE), rowsperstrip=100, compression="zlib")
    pixels = SHAPE[0] * SHAPE[1]
    just = images.Limits(max_pixels=1, max_mosaic_pixels=pixels)
    assert read(tmp_path / "a.tif", just).size == SHAPE
    assert read(tmp_path / "a.tif", images.Limits(max_pixels=pixels)).size is None
    less = images.Limits(max_pixels=pixels - 1, max_mosaic_pixels=pixels - 1)
    assert reason(tmp_path / "a.tif", less) == "bomb"
    monkeypatch.setattr(mosaic, "_PIECE_BYTES", 1000)
    assert reason(tmp_path / "a.tif", just) == "bomb"  # one strip that cannot be had in parts


def test_a_missing_tile_is_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(1, *SHAPE), tile=(16, 16))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tiff:
        tag = tiff.pages.first.tags["TileByteCounts"]
        tag.overwrite([0, *tag.value[1:]])
    assert reason(tmp_path / "a.tif", LIMITS) == "truncated"


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_300_megapixels_in_a_worker_of_256_mib(tmp_path, monkeypatch, compression):
    monkeypatch.undo()
    path, tile = tmp_path / "a.tif", picture(1, 1024, 1024)
    side = 17, 18  # tiles; 18 x 17 x 1 Mi = 321 million pixels
    tiles = (tile for _ in range(side[0] * side[1]))
    shape = tuple(1024 * count for count in side)
    tifffile.imwrite(
        path, tiles, shape=shape, dtype=np.uint8, tile=tile.shape, compression=compression
    )
    limits = images.Limits(max_mosaic_pixels=400_000_000)
    ((_, found),) = crew.map_files(
        partial(hash_file, limits=limits, cache=None),
        [Listed(str(path), "tiff")],
        workers=1,
        max_seconds=300,
        max_memory_mib=256,
        what="",
        prepare=compile_all,  # as stage hash does: libraries are loaded before memory is limited
    )
    assert isinstance(found, Hashed), found
    assert (found.entry.height, found.entry.width) == shape
