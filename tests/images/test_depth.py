"""Full depth: what `read` rounds to 8 bits, `read_unit` keeps."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from backlabel import hashing, images
from backlabel.images.value_range import value_range
from tiffs import stretched

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
    ids="8bit 12of16 white-is-zero 32bit signed float rgb rotated constant".split(),
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


def micrograph_of_12_bits() -> np.ndarray:
    """(384, 512), about 700 to 3,900: structure of all sizes, as in micrographs, and grain."""
    rng = np.random.default_rng(11)
    down, across = np.fft.fftfreq(384)[:, np.newaxis], np.fft.fftfreq(512)
    waves = np.fft.fft2(rng.normal(size=(384, 512))) / (np.hypot(down, across) + 0.01)
    structure = np.fft.ifft2(waves).real
    structure *= 450 / structure.std()
    return np.clip(2300 + structure + rng.normal(0, 60, structure.shape), 0, 4095).astype(np.uint16)


def with_hot_pixels(clean: np.ndarray, count: int, value: float) -> np.ndarray:
    hot = clean.copy()
    hot.flat[np.random.default_rng(count).choice(clean.size, count, replace=False)] = value
    return hot


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize(("kind", "value"), [("u2", 65535), ("i4", -(10**9)), ("f4", 1e30)])
def test_hot_pixels_do_not_darken_the_rest(tmp_path, count, kind, value):
    clean = micrograph_of_12_bits().astype(kind)
    hot = with_hot_pixels(clean, count, value)
    expected = images.read(written(tmp_path, clean, photometric="minisblack")).grey
    path = written(tmp_path, hot, photometric="minisblack")
    found, cold = images.read(path).grey, hot == clean
    np.testing.assert_array_equal(found[~cold], 255 if value > 0 else 0)
    # The extremes of the clean image may be among the pixels that are hot now.
    assert np.abs(found[cold].astype(int) - expected[cold]).max() <= 1
    unit = images.read_unit(path)
    np.testing.assert_allclose(unit * 255, found, atol=0.5 + 1e-3)
    bits = hashing.hash_image(expected).standardised ^ hashing.hash_image(found).standardised
    assert np.bitwise_count(bits).sum() <= 8  # of 1,024


@pytest.mark.parametrize("kind", ["u2", "i2", "u4", "f4", "f8"])
def test_an_image_without_outliers_keeps_its_exact_range(tmp_path, kind):
    clean = micrograph_of_12_bits().astype(kind)
    path = written(tmp_path, clean, photometric="minisblack")
    np.testing.assert_array_equal(images.read(path).grey, stretched(clean))


# Of 512 x 384 samples 10 may be left out at each end, if they lie farther out than the rest spans.
@pytest.mark.parametrize(
    ("count", "value", "top"),
    [(10, 2001, 1000), (11, 2001, 2001), (10, 2000, 2000)],
    ids=["ten, farther than the rest spans", "eleven", "ten, no farther than the rest spans"],
)
def test_what_counts_as_an_outlier(count, value, top):
    rest = np.tile(np.arange(1001, dtype=np.uint16), 197)[: 512 * 384]
    assert value_range(with_hot_pixels(rest, count, value)) == (0, top)


@pytest.mark.parametrize(("size", "allowed"), [(999, 0), (1000, 1), (9_999, 9), (2_000_000, 20)])
def test_how_many_may_be_left_out(size, allowed):
    rest = np.arange(size) % 100
    assert value_range(with_hot_pixels(rest, allowed, 10**6)) == (0, 99)
    assert value_range(with_hot_pixels(rest, allowed + 1, 10**6)) == (0, 10**6)


def test_points_on_a_constant_ground_are_the_picture():
    ground = np.full((100, 100), 500, np.uint16)
    assert value_range(with_hot_pixels(ground, 3, 40_000)) == (500, 40_000)


def test_outliers_at_both_ends():
    rest = np.tile(np.arange(100, dtype=np.int32), 100)
    rest[[5, 6]] = -(10**6), 10**6
    assert value_range(rest) == (0, 99)


def test_two_deep_images_that_differ_in_their_bright_parts_do_not_share_a_picture(tmp_path):
    one = micrograph_of_12_bits()
    other = one.copy()
    one[100:104, 100:104] = np.arange(16, dtype=np.uint16).reshape(4, 4) * 2000 + 20_000
    other[100:104, 100:104] = one[100:104, 100:104].T
    first = images.read(written(tmp_path, one)).grey
    assert not np.array_equal(first, images.read(written(tmp_path, other)).grey)
