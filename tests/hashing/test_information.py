"""Images without information are marked, micrographs are not."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from backlabel.hashing import hash_image
from backlabel.images import read

SIZES = [(768, 1024), (512, 512), (200, 300), (1500, 2000), (128, 128), (64, 64), (768, 256)]
Noise = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]
NOISES: dict[str, Noise] = {
    **{
        f"normal {sigma}": lambda rng, size, sigma=sigma: rng.normal(128, sigma, size)
        for sigma in (2, 3, 10, 30, 80)
    },
    "uniform": lambda rng, size: rng.integers(0, 256, size).astype(float),
    "Poisson": lambda rng, size: rng.poisson(20, size).astype(float),
    "exponential": lambda rng, size: rng.exponential(30, size),
    "sparse": lambda rng, size: (rng.random(size) < 0.05) * 255.0,
    "binary": lambda rng, size: (rng.random(size) < 0.5) * 255.0,
}


def jpeg(grey: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def half(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(grey)
    return np.asarray(image.resize((image.width // 2, image.height // 2)))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NOISES)
def test_noise_is_marked(name: str, size: tuple[int, int]) -> None:
    noise = np.clip(NOISES[name](np.random.default_rng(7), size), 0, 255).astype(np.uint8)
    assert hash_image(noise).information in {"noise", "flat"}  # flat: averaged away


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_flat_is_marked(level: int, size: tuple[int, int]) -> None:
    flat = np.full(size, level, np.uint8)
    speck = flat.copy()
    speck[size[0] // 2, size[1] // 3] ^= 8
    for grey in (flat, speck, jpeg(flat, 75)):
        assert hash_image(grey).information == "flat"


@pytest.mark.parametrize("size", [(31, 400), (400, 31), (1, 1), (31, 31)], ids=str)
def test_tiny_is_marked(scene: Callable[..., NDArray[np.uint8]], size: tuple[int, int]) -> None:
    assert hash_image(scene(*size)).information == "tiny"


def test_the_smallest_side_that_is_hashed(scene: Callable[..., NDArray[np.uint8]]) -> None:
    assert hash_image(scene(32, 32)).information == ""


def test_gradients_are_flat() -> None:
    y, x = np.mgrid[:768, :1024]
    for grey in (x // 4, (x + y) // 8, (x // 64 + y // 64) % 2 * 255):
        assert hash_image(grey.astype(np.uint8)).information == "flat"


def test_micrographs_and_their_copies_pass(micrograph: Path) -> None:
    grey = read(micrograph).grey
    for copy in (grey, jpeg(grey, 20), half(grey), (grey // 8 + 100).astype(np.uint8)):
        assert hash_image(copy).information == ""
