"""The fast hash equals Pillow and imagehash, bit for bit."""

import numpy as np
import pytest
from numpy.typing import NDArray

from backlabel.hashing import _kernels, _plain, hash_image, phash, reference, standardise
from backlabel.hashing.standardise import histogram

SHAPES = [
    (1, 1), (1, 50), (50, 1), (2, 3), (31, 33), (33, 33), (127, 129), (129, 127), (128, 128),
    (128, 300), (300, 128), (64, 4000), (100, 4000), (4000, 100), (257, 131), (385, 256),
    (386, 257), (387, 257), (600, 800), (768, 1024), (769, 1023), (40, 4500),
]  # fmt: skip


def scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Waves and grain, with a databar: like a micrograph in all that matters here."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = sum(
        40 * np.sin(2 * np.pi * (fx * x / width + fy * y / height) + phase)
        for fx, fy, phase in rng.uniform(0, 9, (4, 3))
    )
    image = np.clip(110 + waves + rng.normal(0, 8, (height, width)), 0, 255).astype(np.uint8)
    image[height - height // 12 :] = 0
    return image


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_imagehash_for_every_shape(shape: tuple[int, int]) -> None:
    grey = scene(*shape)
    hashes = hash_image(grey)
    assert np.array_equal(standardise(grey), reference.standardise(grey))
    assert np.array_equal(hashes.standardised, reference.phash(reference.standardise(grey)))
    assert np.array_equal(hashes.grey, reference.phash(grey))
    assert np.array_equal(phash(grey), hashes.grey)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_plain_and_compiled_loops_agree(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    table = np.arange(256, dtype=np.uint8)[::-1].copy()
    expected = np.stack([_plain.resize(table[grey]), _plain.resize(grey)])
    assert np.array_equal(_kernels.thumbnails(grey, table), expected)
    assert np.array_equal(histogram(grey), _plain.histogram(grey))
