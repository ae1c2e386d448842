"""Copies and look-alikes made from an original."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from backlabel.calibration.degrade import COPIES, Kind, copy


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(random.standard_normal((200, 300)), 6)
    noisy = 128 + 600 * smooth + random.normal(0, 6, smooth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", sorted(COPIES))
def test_the_same_seed_gives_the_same_pixels(image: NDArray[np.uint8], kind: str) -> None:
    before = image.copy()
    first, second = copy(image, COPIES[kind], 7), copy(image, COPIES[kind], 7)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.table == second.table
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("half size", (100, 150)),
        ("three quarters", (150, 225)),
        ("rotated 90", (300, 200)),
        ("bottom 8 % cut", (184, 300)),
        ("border 1 % cut", (196, 294)),
        ("stretched", (190, 300)),
    ],
)
def test_shapes(image: NDArray[np.uint8], kind: str, shape: tuple[int, int]) -> None:
    assert copy(image, COPIES[kind], 0).pixels.shape == shape


def at_quality_100(kind: str) -> Kind:
    return Kind(COPIES[kind].change, 100)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("inverted", lambda x: 255 - x),
        ("gamma 2.0", lambda x: 255 * (x / 255) ** 2),
        ("contrast 1.5", lambda x: np.clip((x - 127.5) * 1.5 + 127.5, 0, 255)),
        ("brighter", lambda x: np.clip(x + 30, 0, 255)),
        ("flipped sideways", np.fliplr),
        ("rotated 270", lambda x: np.rot90(x, 3)),
    ],
)
def test_pixels(image: NDArray[np.uint8], kind: str, expected: object) -> None:
    pixels = copy(image, at_quality_100(kind), 0).pixels
    wanted = expected(image.astype(float))  # type: ignore[operator]
    assert np.abs(pixels - wanted).max() <= 3  # one JPEG at quality 100


def test_annotations_differ_by_seed(image: NDArray[np.uint8]) -> None:
    first, second = (copy(image, COPIES["annotated"], seed).pixels for seed in (1, 2))
    assert np.abs(first.astype(int) - second).max() > 100
