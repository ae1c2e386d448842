"""Noise correlation: of copies, and of frames that only look like one."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import scene

from backlabel.calibration.degrade import COPIES, Kind, copy, next_frame
from backlabel.images import encoding
from backlabel.matching.noise_model import rejoined, separate
from backlabel.matching.recompression import (
    HIGH_ENOUGH,
    Degradation,
    another_frame,
    best_degradation,
    correlation,
    correlation_by_chance,
)
from backlabel.matching.scores import FAST, Registered, direct, score
from backlabel.matching.variants import Variant


@pytest.mark.parametrize(
    "kind", ["quality 50", "half size, averaged", "half size, quality 50", "three quarters"]
)
def test_a_copy_degraded_in_a_known_way_is_met_exactly(kind: str) -> None:
    image = scene(1)
    made = copy(image, COPIES[kind], 0)
    value, _ = best_degradation(image, made.pixels, made.table)
    assert value == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("kind", ["gamma 0.5", "gamma 2.0", "contrast 1.5", "darker"])
def test_grey_values_may_have_changed(kind: str) -> None:
    image = scene(2)
    made = copy(image, COPIES[kind], 0)
    value, _ = best_degradation(image, made.pixels, made.table)
    assert value is not None
    assert value > 0.9


def test_quantisation_is_what_makes_quality_50_recognisable() -> None:
    image = scene(3)
    made = copy(image, COPIES["quality 50"], 0)
    without, _ = best_degradation(image, made.pixels, None)
    assert without is not None
    assert without < 0.7


def test_correlation_by_chance_foretells_another_frame() -> None:
    image = scene(4, noise=3)
    made = copy(next_frame(image, (0, 0), 5), COPIES["half size"], 0)
    value, degradation = best_degradation(image, made.pixels, made.table)
    assert value is not None
    assert value > 0.3  # structure alone
    assert correlation_by_chance(image, degradation) == pytest.approx(value, abs=0.15)


def test_a_degradation_does_what_it_says() -> None:
    image = scene(5)
    inverse = np.arange(255, -1, -1).astype(np.uint8)
    degradation = Degradation(image.shape, encoding.Resampling.BOX, inverse, None)
    np.testing.assert_array_equal(degradation(image), 255 - image)


def test_another_frame_looks_alike_but_shares_no_noise() -> None:
    noise = scene(6).astype(float) - scene(6, noise=0)
    frame = another_frame(scene(6)).astype(float) - scene(6, noise=0)
    strength = [np.median(np.abs(one)) for one in (frame, noise)]  # edges are softer in a frame
    assert strength[0] == pytest.approx(strength[1], rel=0.3)
    assert abs(np.corrcoef(frame.ravel(), noise.ravel())[0, 1]) < 0.25


def test_separated_parts_make_the_image_again() -> None:
    image = scene(7)
    parts = separate(image)
    differs = rejoined(parts.clean, parts.noise, parts.level).astype(int) - image
    assert np.mean(np.abs(differs) <= 1) > 0.95  # edges were clipped


def test_level_of_the_noise_is_found_by_brightness() -> None:
    random = np.random.default_rng(8)
    steps = np.repeat([60.0, 180.0], 128)[:, None] * np.ones((1, 256))
    noisy = steps + random.normal(0, 1, steps.shape) * np.repeat([4.0, 12.0], 128)[:, None]
    level = separate(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)).level
    # What a Gaussian of sigma 1.2 leaves of white noise: 1 - 2 g0 + sum(g^2), g0 = 0.1105.
    left = np.sqrt(1 - 2 * 0.1105 + 0.0553)
    assert np.median(level[:100]) == pytest.approx(4 * left, rel=0.1)
    assert np.median(level[156:]) == pytest.approx(12 * left, rel=0.1)


@pytest.mark.parametrize("side", [150, 100, 40, 20])
def test_small_images_have_smaller_blocks(side: int) -> None:
    image, other = scene(12)[:side, :side], scene(13)[:side, :side]
    assert correlation(image, image) == pytest.approx(1.0)
    assert abs(correlation(image, other) or 0.0) < 0.4


def test_images_below_one_block_have_no_correlation() -> None:
    assert correlation(scene(14)[:12, :12], scene(14)[:12, :12]) is None


def test_images_without_variation_have_no_correlation() -> None:
    flat = np.full((128, 128), 7, np.uint8)
    assert correlation(flat, flat) is None


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        (COPIES["quality 75"], Variant("identity")),
        (COPIES["flipped sideways"], Variant("flip_h")),
        (COPIES["rotated 90"], Variant("rot90")),
        (COPIES["inverted"], Variant("inverted")),
        (COPIES["bottom 8 % cut"], Variant("body", 0.92)),
        (COPIES["border 3 % cut"], Variant("border", 0.03)),
    ],
)
def test_verified_copies_share_their_noise_and_next_frames_do_not(
    kind: Kind, variant: Variant
) -> None:
    image = scene(9)
    noise = []
    for original in (image, next_frame(image, (0.5, 0.3), 1)):
        made = copy(original, kind, 0)
        pair = Registered.of(image, made.pixels, variant)
        known = direct(pair, "uniform", FAST)
        noise.append(score(pair, made.table, known, FAST).noise_correlation)
    assert noise[0] is not None
    assert noise[1] is not None
    assert noise[0] > 0.9
    assert noise[1] < 0.3


def test_a_pure_copy_needs_no_recompression() -> None:
    image = scene(10)
    made = copy(image, COPIES["quality 100"], 0)
    pair = Registered.of(image, made.pixels, Variant("identity"))
    found = score(pair, made.table, direct(pair, "uniform", FAST), FAST)
    assert found.noise_correlation_direct is not None
    assert found.noise_correlation_direct >= HIGH_ENOUGH
    assert (found.noise_correlation_recompressed, found.noise_correlation_by_chance) == (None, None)
