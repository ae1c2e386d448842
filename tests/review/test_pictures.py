"""TIFF and JPEG are brought to what both show."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.review import pictures
from backlabel.review.pictures import Part

TIFF = np.arange(60, dtype=np.uint8).reshape(6, 10)


@pytest.mark.parametrize(
    ("angle", "mirrored", "shown"),
    [
        (0.0, False, TIFF[1:4, 2:6]),
        (0.4, True, TIFF[1:4, 2:6][:, ::-1]),
        (90.0, False, np.rot90(TIFF[1:4, 2:6])),
        (-90.2, True, np.rot90(TIFF[1:4, 2:6][:, ::-1], 3)),
    ],
    ids=["as it is", "mirrored", "turned", "mirrored, then turned"],
)
def test_a_part_is_cut_out_of_both(angle, mirrored, shown):
    jpeg = np.zeros((20, 20), np.uint8)
    jpeg[5:8, 7:11] = 9
    tiff, part = pictures.cut(TIFF, jpeg, Part("7 5 4 3", "2 1 4 3", angle, mirrored))
    np.testing.assert_array_equal(tiff, shown)
    assert (part.shape, set(part.flat)) == ((3, 4), {9})
