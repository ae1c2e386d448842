"""Made-up micrographs: smooth structure under noise of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage


def picture(seed: int, shape: tuple[int, int] = (192, 256)) -> np.ndarray:
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.standard_normal(shape), 8)
    noisy = 120 + 500 * smooth + random.normal(0, 6, shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def save(path: Path, grey: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey).save(path)
