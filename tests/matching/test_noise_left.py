"""What a way of making leaves of a picture's noise, and that another frame gains nothing by it."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import scene
from scipy import fft, ndimage

from backlabel.calibration.frames import scanned
from backlabel.images import encoding
from backlabel.matching.coefficients import Making, Published
from backlabel.matching.linear_filter import MEDIAN, noise_left
from backlabel.matching.tone import slope
from backlabel.matching.verify import verify

FIELD = scene(0, noise=0).astype(float)
ORIGINAL = scene(0)


def deviations(noise):
    """Of the coefficients of blocks of 8x8 pixels, by SciPy."""
    rows, columns = (size // 8 for size in noise.shape)
    blocks = noise.reshape(rows, 8, columns, 8)
    return fft.dctn(blocks, axes=(1, 3), norm="ortho").std(axis=(0, 2))


def white_noise():
    return np.random.default_rng(0).standard_normal((1024, 1024))


def gaussian(sigma):
    one = np.zeros((13, 13))
    one[6, 6] = 1
    return ndimage.gaussian_filter(one, sigma)


@pytest.mark.parametrize(
    "weights",
    [
        gaussian(0.7),
        gaussian(1.5),
        2 * gaussian(0) - gaussian(1.0),
        np.random.default_rng(1).normal(size=(13, 13)),
        np.full((3, 3), 1 / 9),
    ],
    ids=["blur", "wide blur", "sharpening", "any", "mean"],
)
def test_a_filter_leaves_as_much_noise_as_in_simulation(weights):
    found = deviations(ndimage.convolve(white_noise(), weights, mode="wrap"))
    assert found == pytest.approx(noise_left(weights), rel=0.03)  # 0.6 %: one standard error


def test_what_does_nothing_leaves_all():
    assert noise_left(np.ones((1, 1))) == pytest.approx(np.ones((8, 8)))


def test_a_median_leaves_about_as_much_as_its_filter():
    found = deviations(ndimage.median_filter(white_noise(), 3, mode="wrap"))
    assert np.sqrt((found**2).mean()) == pytest.approx(0.408, abs=0.002)
    assert found == pytest.approx(noise_left(MEDIAN), abs=0.13)


@pytest.mark.parametrize("factor", [0.3, -0.5, 1.0])
def test_a_curve_leaves_its_slope(factor):
    table = (128 + factor * (np.arange(256) - 128)).astype(np.float32)
    assert slope(table.__getitem__, ORIGINAL) == pytest.approx(abs(factor), abs=1e-3)


def frames(sigma, change):
    random = np.random.default_rng(int(sigma))
    ours, theirs = (scanned(FIELD, sigma, random) for _ in range(2))
    return [np.rint(change(one.astype(float))).astype(np.uint8) for one in (ours, theirs)], ours


@pytest.mark.parametrize(
    "change",
    [
        lambda grey: ndimage.gaussian_filter(grey, 1.5),
        lambda grey: 100 + 0.3 * (grey - 128),
        lambda grey: ndimage.median_filter(grey, 3),
        lambda grey: encoding.decoded(encoding.jpeg(grey.astype(np.uint8), 50)),
    ],
    ids=["blurred", "faint", "median", "saved before"],
)
@pytest.mark.parametrize("sigma", [4.0, 8.0])
def test_another_frame_gains_nothing_where_noise_was_taken_away(change, sigma):
    (copy, other), tiff = frames(sigma, change)
    shares = []
    for one in (copy, other):
        data = encoding.jpeg(one, 95)
        shares.append(verify(tiff, encoding.decoded(data), encoding.luma_table(data)).explained)
    assert shares[0] > 0.6
    assert shares[1] < 0.25


@pytest.mark.parametrize("sigma", [1.0, 1.5])
def test_a_blurred_copy_at_quality_75_is_explained(sigma):
    blurred = ndimage.gaussian_filter(ORIGINAL.astype(float), sigma)
    data = encoding.jpeg(np.rint(blurred).astype(np.uint8), 75)
    found = verify(ORIGINAL, encoding.decoded(data), encoding.luma_table(data))
    assert found.explained > 0.6
    assert found.degradation == "filter"


def test_the_less_noise_is_left_the_less_a_number_tells():
    data = encoding.jpeg(ORIGINAL, 90)
    published = Published(encoding.decoded(data), ORIGINAL, encoding.luma_table(data))
    other = scene(0, noise=9.0).astype(np.float32)
    shares = [published.explained_by(other, Making(left)).share for left in (1.0, 0.5, 0.2)]
    assert shares == sorted(shares, reverse=True)
    assert published.explained_by(other, Making(0.0)).share is None
    exact = ORIGINAL.astype(np.float32)
    assert published.explained_by(exact, Making(0.5)).share == pytest.approx(1.0, abs=0.02)
