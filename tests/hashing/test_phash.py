"""The fast hash equals Pillow and imagehash, bit for bit."""

from collections.abc import Callable
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from backlabel.hashing import (
    from_hex,
    from_hexes,
    hash_image,
    phash,
    reference,
    standardise,
    to_hex,
)
from backlabel.images import read

Scene = Callable[..., NDArray[np.uint8]]
SHAPES = [
    (1, 1), (1, 50), (50, 1), (2, 3), (31, 33), (33, 33), (127, 129), (129, 127), (128, 128),
    (128, 300), (300, 128), (64, 4000), (100, 4000), (4000, 100), (257, 131), (385, 256),
    (386, 257), (387, 257), (600, 800), (768, 1024), (769, 1023), (40, 4500), (48, 70000),
]  # fmt: skip
Y, X = np.mgrid[:768, :1024]
DEGENERATE = {
    "black": 0 * X,
    "grey": 0 * X + 77,
    "white": 0 * X + 255,
    "one other pixel": 77 + ((X == 5) & (Y == 7)),
    "gradient across": X // 4,
    "gradient down": Y // 4,
    "gradient along the diagonal": (X + Y) // 8,
    "checker of 64": (X // 64 + Y // 64) % 2 * 255,
    "checker of 1": (X + Y) % 2 * 255,
    "two halves": (X < 512) * 200,
    "stripes": (Y % 8 < 4) * 255,
    "mirrored": np.abs(X - 512) // 2,
}


def assert_equals_imagehash(grey: NDArray[np.uint8]) -> None:
    hashes, expected = hash_image(grey), reference.hash_image(grey)
    assert np.array_equal(hashes.standardised, expected.standardised)
    assert np.array_equal(hashes.grey, expected.grey)
    assert hashes.information == expected.information
    assert np.array_equal(standardise(grey), reference.standardise(grey))
    assert np.array_equal(phash(grey), hashes.grey)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_imagehash_for_every_shape(scene: Scene, shape: tuple[int, int]) -> None:
    assert_equals_imagehash(scene(*shape))


@pytest.mark.parametrize("name", DEGENERATE)
def test_equals_imagehash_where_nothing_is_to_be_seen(name: str) -> None:
    assert_equals_imagehash(DEGENERATE[name].astype(np.uint8))


def test_equals_imagehash_on_micrographs(micrograph: Path) -> None:
    assert_equals_imagehash(read(micrograph).grey)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
@settings(max_examples=60, deadline=None)
def test_equals_pillow_for_any_small_image(grey: NDArray[np.uint8]) -> None:
    assert np.array_equal(standardise(grey), reference.standardise(grey))
    assert np.array_equal(hash_image(grey).grey, reference.phash(grey))


@given(st.integers(1, 700), st.integers(1, 700))
@settings(max_examples=60, deadline=None)
def test_equals_imagehash_for_noise_of_any_shape(height: int, width: int) -> None:
    noise = np.random.default_rng(height).integers(0, 256, (height, width), np.uint8)
    assert_equals_imagehash(noise)


def test_views_of_larger_images_hash_like_copies(scene: Scene) -> None:
    view = scene(300, 400)[10:290:2, 5:395:3]
    assert to_hex(phash(view)) == to_hex(phash(view.copy()))


def test_hex_is_that_of_imagehash(scene: Scene) -> None:
    grey = scene(300, 400)
    text = str(imagehash.phash(Image.fromarray(grey), hash_size=32))
    assert to_hex(phash(grey)) == text
    assert np.array_equal(from_hex(text), phash(grey))
    assert from_hexes([text, text]).shape == (2, 128)
    assert from_hexes([]).shape == (0, 128)


@pytest.mark.parametrize("text", ["", "0" * 255, "0" * 258, "g" * 256, "0" * 254 + "  "])
def test_other_text_is_no_hash(text: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        from_hex(text)


@pytest.mark.parametrize(
    "grey", [np.zeros((0, 5), np.uint8), np.zeros((5, 5), np.uint16), np.zeros((5, 5, 3), np.uint8)]
)
def test_other_arrays_are_refused(grey: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="not an 8-bit grey image"):
        hash_image(grey)


def test_read_only_images_are_standardised_too() -> None:
    grey = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).astype(np.uint8)
    before = standardise(grey)
    grey.flags.writeable = False
    np.testing.assert_array_equal(standardise(grey), before)
