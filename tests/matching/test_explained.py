"""A copy is explained however it was made; another frame is not, and a databar is no evidence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scenes import scene

from backlabel.calibration.degrade import COPIES, copy
from backlabel.calibration.frames import scanned
from backlabel.images import encoding
from backlabel.kernels.block_dct import block_dct_reference
from backlabel.kernels.commonest import commonest_reference
from backlabel.kernels.local_lookup import local_lookup
from backlabel.kernels.reproduced import reproduced_reference
from backlabel.matching.coefficients import Arithmetic, Published
from backlabel.matching.linear_filter import filtered, fitted
from backlabel.matching.tone import curve, local_curves
from backlabel.matching.verify import verify

ORIGINAL = scene(0)
FIELD = scene(0, noise=0).astype(float)
PLAIN = Arithmetic(block_dct_reference, reproduced_reference, commonest_reference)


def published(grey, quality=95):
    data = encoding.jpeg(np.ascontiguousarray(grey), quality)
    return encoding.decoded(data), encoding.luma_table(data)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("quality 90", "as it is"),
        ("quality 20", "as it is"),
        ("half size, averaged", "as it is, box"),
        ("half size", "as it is, bicubic"),
        ("gamma 2.0", "grey values"),
        ("equalised", "grey values"),
        ("jet", "grey values"),
        ("quality 60, then 85", "saved at quality 60 before"),
        ("median filtered", "median 3x3"),
        ("blurred by 1.5", "filter"),
        ("screenshot", "filter"),
        ("locally equalised", "local grey values"),
        ("annotated", "as it is"),
        ("databar swapped", "as it is"),
    ],
)
def test_a_copy_is_explained_and_how_it_was_made_is_told(kind, how):
    made = copy(ORIGINAL, COPIES[kind], 1)
    found = verify(ORIGINAL, made.pixels, made.table)
    assert found.explained > 0.6
    assert found.degradation == how
    assert found.spoke > 0.5


@pytest.mark.parametrize("sigma", [4.0, 8.0, 16.0])
@pytest.mark.parametrize("quality", [75, 95])
def test_another_frame_is_not(sigma, quality):
    random = np.random.default_rng(int(sigma))
    ours, theirs = (scanned(FIELD, sigma, random) for _ in range(2))
    assert verify(ours, ours, None).explained == 1.0
    assert verify(ours, *published(theirs, quality)).explained < 0.35


@pytest.mark.parametrize("by", [2, 3, 4])
def test_a_reduced_copy_of_another_frame_is_not_although_its_noise_is_averaged(by):
    random = np.random.default_rng(by)
    ours, theirs = (scanned(FIELD, 4.0, random) for _ in range(2))
    height, width = (size // by for size in theirs.shape)
    jpeg, table = published(encoding.resized(theirs, height, width), 90)
    assert verify(theirs, jpeg, table).explained > 0.8
    assert verify(ours, jpeg, table).explained < 0.35
    reduced = encoding.resized(ours, height, width)
    at_its_size = verify(reduced, jpeg, table, scale=1 / by).explained
    assert at_its_size == verify(ours, jpeg, table).explained


def test_another_field_under_the_same_databar_is_not():
    random = np.random.default_rng(0)
    fields = [140 + random.standard_normal((320, 512)) for _ in range(2)]
    bar = np.full((64, 512), 20.0)
    bar[16:40:3, 8:400:5] = 255
    ours, theirs = (np.rint(np.vstack([field, bar])).astype(np.uint8) for field in fields)
    found = verify(ours, *published(theirs, 75))
    assert found.spoke < 0.1
    assert verify(ours, *published(theirs, 100)).explained < 0.6


def test_a_few_bright_points_do_not_make_faint_pictures_alike():
    random = np.random.default_rng(0)
    field = np.full((320, 512), 128.0)
    field[4::32, 4::32] = 255
    ours, theirs = (
        np.rint(field + random.normal(0, 0.8, field.shape)).astype(np.uint8) for _ in range(2)
    )
    assert verify(ours, *published(ours, 100)).explained > 0.99
    assert verify(ours, *published(theirs, 100)).explained < 0.2


@pytest.mark.parametrize("shape", [(8, 8), (16, 16), (40, 300), (100, 90)])
def test_small_and_flat_images_say_so(shape):
    flat = np.full(shape, 90, np.uint8)
    assert verify(flat, *published(flat)).explained is None
    grey = scene(3)[: shape[0], : shape[1]]
    found = verify(grey, *published(grey))
    assert found.explained is None or found.explained > 0.95


def test_public_libraries_count_the_same():
    made = copy(ORIGINAL, COPIES["blurred by 1.5"], 1)
    ours = verify(ORIGINAL, made.pixels, made.table)
    theirs = verify(ORIGINAL, made.pixels, made.table, PLAIN)
    assert ours.explained == pytest.approx(theirs.explained, abs=0.01)
    assert (ours.spoke, ours.degradation) == (theirs.spoke, theirs.degradation)


def test_a_curve_need_not_rise():
    table = np.abs(np.arange(256) - 100).astype(np.uint8)
    found = curve(ORIGINAL, table[ORIGINAL])
    occurs = np.bincount(ORIGINAL.ravel(), minlength=256) >= 16
    np.testing.assert_allclose(found[occurs], table[occurs])


def test_a_curve_is_not_bent_by_a_databar():
    copied = ORIGINAL.copy()
    copied[-30:] = 20
    occurs = np.bincount(ORIGINAL.ravel(), minlength=256) >= 500
    np.testing.assert_allclose(curve(ORIGINAL, copied)[occurs], np.arange(256)[occurs])


def test_local_curves_follow_a_slope_of_brightness():
    slope = np.linspace(0.6, 1.1, ORIGINAL.shape[1])
    wanted = (ORIGINAL * slope).astype(np.float32)
    found = local_lookup(ORIGINAL, local_curves(ORIGINAL, wanted, 8), 8)
    assert np.abs(found - wanted)[20:-20, 20:-20].mean() < 0.5


@pytest.mark.parametrize(
    "change", [ImageFilter.GaussianBlur(1.5), ImageFilter.UnsharpMask(1, 50, 0)]
)
def test_the_fitted_filter_is_the_one_that_was_used(change):
    changed = np.asarray(Image.fromarray(ORIGINAL).filter(change))
    jpeg, table = published(changed)
    image = ORIGINAL.astype(np.float32)
    made = filtered(image, *fitted(image, Published(jpeg, ORIGINAL, table)))
    assert np.abs(made - changed)[8:-8, 8:-8].mean() < 0.5


def test_a_filter_is_fitted_to_a_flat_image_too():
    flat = np.full((64, 64), 90, np.uint8)
    weights, offset = fitted(flat.astype(np.float32), Published(flat + 5, flat, None))
    assert filtered(flat.astype(np.float32), weights, offset) == pytest.approx(95, abs=0.01)


def test_what_an_image_states_is_nearest_to_itself():
    data = io.BytesIO()
    Image.fromarray(ORIGINAL).save(data, "JPEG", quality=50)
    jpeg, table = encoding.decoded(data.getvalue()), encoding.luma_table(data.getvalue())
    stated = Published(jpeg, ORIGINAL, table)
    nearest = stated.nearest(ORIGINAL.astype(np.float32))
    assert np.abs(nearest - ORIGINAL).mean() < 0.1 < np.abs(jpeg - ORIGINAL.astype(float)).mean()


def test_a_number_that_stands_alone_in_its_block_is_read_as_the_jpeg_states_it():
    wave = 128 + 5 * np.cos((np.arange(64) + 0.5) * np.pi / 4)
    grey = np.rint(np.tile(wave, (64, 1))).astype(np.uint8)
    jpeg, table = published(grey, 50)
    assert table[2] == 10
    from_pixels = block_dct_reference(jpeg)[0, 0, 2, 0]
    assert abs(from_pixels - 30) > 0.4  # its pixels were rounded, all in the same way
    assert Published(jpeg, grey, table).coefficients[0, 0, 2, 0] == 30


def test_blocks_that_are_partly_white_say_nothing():
    grey = ORIGINAL.copy()
    grey[:, 2::8] = grey[:, 3::8] = 255
    assert verify(grey, *published(grey, 100)).spoke < 0.05
    assert verify(ORIGINAL, *published(ORIGINAL, 100)).spoke > 0.95


def test_low_contrast_at_low_quality_is_verified_by_the_little_that_is_left():
    faint = (0.3 * FIELD + 90 + np.random.default_rng(1).normal(size=FIELD.shape)).astype(np.uint8)
    assert verify(faint, *published(faint, 30)).explained == pytest.approx(1.0, abs=0.02)


def test_the_share_is_the_median_of_the_tiles_that_speak():
    grey = ORIGINAL.copy()
    grey[:64] = 90
    stated = Published(published(grey, 60)[0], grey, published(grey, 60)[1])
    image = scene(0, noise=9.0).astype(np.float32)
    tiles, found = stated.by_tile(image), stated.explained_by(image)
    assert np.isnan(tiles[:2]).all()
    assert found.share == pytest.approx(np.nanmedian(tiles))
    assert found.spoke == pytest.approx(1 - np.isnan(tiles).mean())
