"""Full depth: what `read` rounds to 8 bits, `read_unit` keeps."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from backlabel import images

RNG = np.random.default_rng(3)
DEEP = RNG.integers(700, 3900, (40, 60)).astype(np.uint16)


def written(folder, array, **options):
    path = folder / "one.tif"
    tifffile.imwrite(path, array, metadata=None, **options)
    return path


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (RNG.integers(0, 256, (40, 60)).astype(np.uint8), {}),
        (DEEP, {}),
        (DEEP, {"photometric": "miniswhite"}),
        (DEEP.astype(np.uint32) << 9, {}),
        (DEEP.astype(np.int16) - 2000, {}),
        (DEEP.astype(np.float32) / 7, {"compression": "zlib"}),
        (RNG.integers(0, 256, (40, 60, 3)).astype(np.uint8), {"photometric": "rgb"}),
        (DEEP, {"extratags": [(274, 3, 1, 6, True)]}),
        (np.full((40, 60), 7, np.uint16), {}),
    ],
    ids="8bit 12of16 white-is-zero 32bit signed float rgb turned constant".split(),
)
def test_rounded_it_is_the_grey_picture(tmp_path, array, options):
    path = written(tmp_path, array, **options)
    unit = images.read_unit(path)
    assert unit.dtype == np.float32
    assert unit.flags.c_contiguous
    # Half a grey level, and float32's own rounding where a value lies on the edge of two levels.
    np.testing.assert_allclose(unit * 255, images.read(path).grey, atol=0.5 + 1e-4)


def test_deep_rgb_is_near_the_grey_picture(tmp_path):
    deep = RNG.integers(700, 3900, (40, 60, 3)).astype(np.uint16)
    path = written(tmp_path, deep, photometric="rgb")
    # `read` rounds each colour before it weighs them: half a level there, half a level again.
    np.testing.assert_allclose(images.read_unit(path) * 255, images.read(path).grey, atol=1 + 1e-4)


def test_every_level_of_16_bits_is_kept(tmp_path):
    levels = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    unit = images.read_unit(written(tmp_path, levels))
    np.testing.assert_array_equal(np.rint(unit.astype(np.float64) * 65535), levels)


def test_a_jpeg_is_its_grey(tmp_path):
    from PIL import Image  # noqa: PLC0415

    path = tmp_path / "one.jpg"
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(path)
    np.testing.assert_array_equal(np.rint(images.read_unit(path) * 255), images.read(path).grey)
