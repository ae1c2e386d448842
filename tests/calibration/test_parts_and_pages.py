"""Copies that show a part of their original, and originals that are a page among others."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import picture

from backlabel.calibration.degrade import copy
from backlabel.calibration.parts_and_pages import EVERY, PARTS, as_pages
from backlabel.calibration.trials import trials
from backlabel.matching.variants import PART

ORIGINAL = picture(1, (300, 400))


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("cropped to 50 %", (212, 283)),
        ("quadrant", (150, 200)),
        ("cropped to 60 %, halved", (116, 155)),
        ("cropped, inverted", (212, 283)),
        ("cropped, mirrored, turned", (283, 212)),
        ("framed by 20 pixels", (340, 440)),
        ("rotated by 3 degrees", (300, 400)),
        ("panel of a figure", (192, 504)),
    ],
)
def test_shapes(kind: str, shape: tuple[int, int]) -> None:
    assert copy(ORIGINAL, EVERY[kind], 0).pixels.shape == shape


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_the_same_seed_gives_the_same_pixels(kind: str) -> None:
    before = ORIGINAL.copy()
    first, second = copy(ORIGINAL, EVERY[kind], 7), copy(ORIGINAL, EVERY[kind], 7)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(ORIGINAL, before)


def test_pages_come_back_in_their_order() -> None:
    first, second = as_pages(ORIGINAL, 255 - ORIGINAL)
    np.testing.assert_array_equal(first, ORIGINAL)
    np.testing.assert_array_equal(second, 255 - ORIGINAL)


@pytest.mark.parametrize("kind", ["cropped to 80 %", "framed by 2 pixels", "page of a TIFF"])
def test_the_copy_is_verified_and_the_next_frame_is_not(kind: str) -> None:
    copied, other = trials("a.tif", picture(2, (480, 640)), [kind], seed=1)
    assert (copied.is_copy, other.is_copy) == (True, False)
    assert (copied.candidate.explained or 0) > 0.8
    assert (other.candidate.explained or 0) < 0.4  # compare.min_explained
    assert (copied.candidate.pair.variant == PART) == (kind in PARTS)
