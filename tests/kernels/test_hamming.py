"""Population counts against Python's."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.kernels.hamming import ones


@pytest.mark.parametrize(
    "word", [0, 1, 1 << 63, 2**64 - 1, 0x5555555555555555, 0x0123456789ABCDEF, 0xFF << 28]
)
def test_ones_are_counted(word):
    assert ones(np.uint64(word)) == word.bit_count()
