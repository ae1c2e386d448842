"""Images for the tests of hashing: generated, and real micrographs where they are at hand."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import sample


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "micrograph" in metafunc.fixturenames:
        found = sample.tiffs()
        metafunc.parametrize("micrograph", found.values(), ids=found.keys())


@pytest.fixture
def scene() -> Callable[..., NDArray[np.uint8]]:
    """Waves and grain, with a databar: like a micrograph in all that matters here."""

    def make(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width]
        image = np.full((height, width), 110.0)
        for fx, fy, phase in rng.uniform(0, 9, (4, 3)):
            image += 40 * np.sin(2 * np.pi * (fx * x / width + fy * y / height) + phase)
        image = np.clip(image + rng.normal(0, 8, (height, width)), 0, 255).astype(np.uint8)
        image[height - height // 12 :] = 0
        return image

    return make
