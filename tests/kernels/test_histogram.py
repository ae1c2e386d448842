"""Histograms against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.kernels.histogram import histogram, histogram_reference


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 7, 1000, 1001, 1 << 17, (1 << 17) + 3])
def test_agrees_with_numpy(size):
    pixels = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    pixels.flags.writeable = False
    assert np.array_equal(histogram(pixels), histogram_reference(pixels))


@pytest.mark.parametrize("pixels", [70_001, 200_001])
@pytest.mark.parametrize("value", [0, 255])
def test_one_value(value, pixels):
    counts = histogram(np.full(pixels, value, np.uint8))
    assert (counts[value], counts.sum()) == (pixels, pixels)
