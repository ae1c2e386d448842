"""Images for the tests of hashing: generated, and real micrographs where they are at hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "data/tiff", ROOT.parent / "shared/sample/originals"]
FOLDERS += [ROOT.parent / "shared/more-images"]


def micrographs() -> list[Path]:
    """TIFFs of the sample data, once each by name."""
    found = [path for folder in FOLDERS for path in sorted(folder.rglob("*.tif"))]
    return list({path.name: path for path in found}.values())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "micrograph" in metafunc.fixturenames:
        paths = micrographs() or [
            pytest.param(None, marks=pytest.mark.skip(reason="no sample micrographs at hand"))
        ]
        metafunc.parametrize("micrograph", paths, ids=lambda p: getattr(p, "name", "none"))


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
