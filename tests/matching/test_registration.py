"""Bringing both to the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import scene

from backlabel.matching.registration import offset, overlap, register
from backlabel.matching.variants import FLIPS_AND_ROTATIONS, Variant, apply


@pytest.mark.parametrize("at", [(0, 0), (7, 3), (40, 61)])
def test_offset_of_a_part(at: tuple[int, int]) -> None:
    image = scene(1)
    assert offset(image, image[at[0] : at[0] + 300, at[1] : at[1] + 400]) == at


def test_offset_may_be_negative() -> None:
    image = scene(2)
    assert offset(image[5:], image[:300]) == (-5, 0)


def test_overlap_shows_the_same_pixels_twice() -> None:
    image = scene(3)
    ours, theirs = overlap(image[5:], image[:300, 9:], (-5, 9))
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == (292, 503)  # the JPEG begins with its row 8, not 5


def test_overlap_too_small_falls_back_to_the_corner() -> None:
    ours, theirs = overlap(scene(4), scene(5), (380, 0))
    assert ours.shape == theirs.shape == (384, 512)


@pytest.mark.parametrize("source", ["identity", *FLIPS_AND_ROTATIONS, "inverted"])
def test_rotated_copies_lie_on_each_other(source: str) -> None:
    image = scene(6)
    jpeg = apply(Variant(source), image)
    ours, theirs = register(image, jpeg, Variant(source))
    np.testing.assert_array_equal(ours, theirs)


def test_a_cut_databar_leaves_the_top() -> None:
    image = scene(7)
    ours, theirs = register(image, image[:350], Variant("body", 0.91))
    np.testing.assert_array_equal(ours, theirs)


def test_borders_are_found_though_the_share_is_a_guess() -> None:
    image = scene(8)
    ours, theirs = register(image, image[6:371, 9:500], Variant("border", 0.02))
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == (365, 491)


def test_a_whole_copy_keeps_its_scale() -> None:
    ours, theirs = register(scene(9), scene(9)[::2, ::2], Variant("identity"))
    assert (ours.shape, theirs.shape) == ((384, 512), (192, 256))
