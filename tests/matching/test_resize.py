"""Resizing against Pillow's Lanczos, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from synthetic import scene

from backlabel.matching.resize import resize, resize_reference, to_common_size, to_smaller_size

A = scene((96, 128), seed=1)
NOISE = np.random.default_rng(2).integers(0, 256, (96, 128), dtype=np.uint8)
SHAPES = [
    (192, 256),
    (48, 64),
    (91, 128),
    (96, 121),
    (33, 300),
    (300, 33),
    (97, 129),
    (1, 1),
    (768, 1024),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("image", [A, NOISE, (NOISE > 127).astype(np.uint8) * 255], ids=len)
def test_equals_pillow(image, shape):
    expected = Image.fromarray(image).resize(shape[::-1], Image.Resampling.LANCZOS)
    assert np.array_equal(resize(image, shape), np.asarray(expected))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_reference(shape):
    assert np.array_equal(resize(NOISE, shape), resize_reference(NOISE, shape))


def test_equal_size_is_left_alone():
    assert resize(A, A.shape) is A


def test_layout_in_memory_does_not_matter():
    assert np.array_equal(resize(np.asfortranarray(A), (50, 60)), resize(A, (50, 60)))


@pytest.mark.parametrize(
    ("one", "other", "larger"),
    [
        ((10, 10), (20, 20), (20, 20)),
        ((10, 30), (20, 10), (10, 30)),
        ((10, 20), (20, 10), (20, 10)),
    ],
    ids=["both sides", "more pixels", "as many pixels, more rows"],
)
def test_common_size_does_not_depend_on_order(one, other, larger):
    a, b = A[: one[0], : one[1]], A[: other[0], : other[1]]
    smaller = other if larger == one else one
    for pair in ((a, b), (b, a)):
        assert [image.shape for image in to_common_size(*pair)] == [larger, larger]
        assert [image.shape for image in to_smaller_size(*pair)] == [smaller, smaller]


def test_refuses_nothing_to_resize():
    with pytest.raises(ValueError, match="cannot resize"):
        resize(A, (0, 10))
