"""Resizing against Pillow's Lanczos, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from backlabel.kernels.resize import (
    resize,
    resize_columns,
    resize_reference,
    to_common_size,
    transposed,
)

NOISE = np.random.default_rng(2).integers(0, 256, (96, 128), dtype=np.uint8)
SHAPES = [
    ((96, 128), (192, 256)),
    ((96, 128), (48, 64)),
    ((96, 128), (91, 128)),
    ((96, 128), (96, 121)),
    ((96, 128), (33, 300)),
    ((96, 128), (300, 33)),
    ((96, 128), (97, 129)),
    ((96, 128), (1, 1)),
    ((1, 1), (9, 5)),
    ((768, 1024), (128, 128)),
    ((767, 1021), (383, 509)),
    ((48, 70_000), (128, 128)),
    ((4000, 30), (20, 30)),
]
HEIGHT_SHRINKS_MORE_THAN_TWICE_AS_MUCH = [
    ((900, 600), (300, 500)),
    ((600, 300), (300, 150)),  # exactly twice as much
    ((600, 300), (299, 150)),  # one pixel more
    ((600, 300), (301, 150)),  # one pixel less
    ((1000, 640), (128, 480)),
    ((3000, 40), (20, 30)),
    ((2000, 100), (1000, 400)),
]
SIDE = st.integers(1, 150)


def extreme(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Black and white at random: sums that must be clipped, and rounding that shows the order."""
    return np.random.default_rng(shape).integers(0, 2, shape, np.uint8) * np.uint8(255)


@pytest.mark.parametrize(
    ("source", "target"), SHAPES + HEIGHT_SHRINKS_MORE_THAN_TWICE_AS_MUCH, ids=str
)
def test_equals_pillow(source, target):
    image = extreme(source)
    assert np.array_equal(resize(image, target), resize_reference(image, target))


@settings(deadline=None, max_examples=200)
@given(source=st.tuples(SIDE, SIDE), target=st.tuples(SIDE, SIDE))
def test_equals_pillow_for_any_shapes(source, target):
    image = extreme(source)
    assert np.array_equal(resize(image, target), resize_reference(image, target))


def test_equals_pillow_on_noise():
    assert np.array_equal(resize(NOISE, (60, 61)), resize_reference(NOISE, (60, 61)))


def test_columns_are_resized_as_their_image():
    assert np.array_equal(resize_columns(transposed(NOISE), (60, 61)), resize(NOISE, (60, 61)))


def test_equal_size_is_left_alone():
    assert resize(NOISE, NOISE.shape) is NOISE


@pytest.mark.parametrize("shape", [(50, 60), (96, 60), (50, 128)], ids=str)
def test_layout_in_memory_does_not_matter(shape):
    expected = resize(NOISE, shape)
    own = NOISE.copy()
    own.flags.writeable = False
    unaligned = np.zeros(NOISE.size + 1, np.uint8)[1:].reshape(NOISE.shape)
    unaligned[:] = NOISE
    twice = np.repeat(NOISE, 2, axis=1)[:, ::2]
    for image in (np.asfortranarray(NOISE), own, unaligned, twice):
        assert np.array_equal(resize(image, shape), expected)


@settings(deadline=None, max_examples=60)
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_transposed_is_numpys_transpose(shape):
    image = np.random.default_rng(shape).integers(0, 256, shape, np.uint8)
    assert np.array_equal(transposed(image), image.T)


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
    a, b = NOISE[: one[0], : one[1]], NOISE[: other[0], : other[1]]
    for pair in ((a, b), (b, a)):
        assert [image.shape for image in to_common_size(*pair)] == [larger, larger]


@pytest.mark.parametrize("shape", [(0, 10), (10, 0)])
def test_refuses_nothing_to_resize(shape):
    with pytest.raises(ValueError, match="cannot resize"):
        resize(NOISE, shape)
