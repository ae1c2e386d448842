"""Trials made from one picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from backlabel.calibration.degrade import COPIES, copy
from backlabel.calibration.trials import scored, trials


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    random = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(random.standard_normal((256, 320)), 8)
    noisy = 120 + 500 * smooth + random.normal(0, 6, smooth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def test_every_kind_gives_a_copy_and_a_frame(picture: np.ndarray) -> None:
    found = list(trials("a.tif", picture, ["quality 90", "half size"], seed=1))
    assert [(one.kind, one.is_copy) for one in found] == [
        ("quality 90", True),
        ("quality 90", False),
        ("half size", True),
        ("half size", False),
    ]
    explained = [one.candidate.explained or 0.0 for one in found]
    assert min(explained[::2]) > 0.8
    assert max(explained[1::2]) < 0.5


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        ("quality 90", "identity"),
        ("flipped upside down", "flip_v"),
        ("rotated 270", "rot270"),
        ("inverted", "inverted"),
        ("bottom 8 % cut", "body 0.9219"),
    ],
)
def test_the_variant_that_fits_is_found(picture: np.ndarray, kind: str, variant: str) -> None:
    assert scored(picture, copy(picture, COPIES[kind], 0)).pair.variant == variant
