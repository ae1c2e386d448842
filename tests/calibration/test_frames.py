"""Two frames of one field: what they share and what not."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import picture

from backlabel.calibration.frames import averaged, scanned, two_frames


def test_averaged_is_the_mean_of_four() -> None:
    grey = np.array([[1, 3, 9, 9], [5, 7, 9, 9]], np.uint8)
    np.testing.assert_array_equal(averaged(grey), [[4.0, 9.0]])


@pytest.mark.parametrize("sigma", [4.0, 8.0])
def test_noise_has_its_level_and_is_its_own_in_each_frame(sigma: float) -> None:
    random = np.random.default_rng(0)
    field = np.full((200, 200), 128.0)
    one, other = (scanned(field, sigma, random) - field for _ in range(2))
    assert one.std() == pytest.approx(sigma, rel=0.05)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03


def test_noise_grows_with_the_root_of_brightness() -> None:
    random = np.random.default_rng(0)
    dark, bright = (scanned(np.full((200, 200), x), 8.0, random).std() for x in (50.0, 200.0))
    assert bright / dark == pytest.approx(2.0, rel=0.05)


def test_the_second_frame_moves_by_the_drift() -> None:
    ours, theirs = (one.astype(float) for one in two_frames(picture(1), (5, 3), 0.1, 0))
    there = np.roll(ours, (5, 3), (0, 1))[10:-10, 10:-10]
    assert np.corrcoef(there.ravel(), theirs[10:-10, 10:-10].ravel())[0, 1] > 0.99


def test_the_same_seed_gives_the_same_frames() -> None:
    one, again = (two_frames(picture(1), (0.5, 0.3), 8.0, 7) for _ in range(2))
    np.testing.assert_array_equal(one, again)
