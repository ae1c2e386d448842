"""A picture with structure and noise, as a microscope would make it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def scene(seed: int, height: int = 384, width: int = 512, noise: float = 8.0) -> NDArray[np.uint8]:
    """Smooth blobs with edges and white noise, (height, width)."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.standard_normal((height, width)), 12)
    fine = ndimage.gaussian_filter(random.standard_normal((height, width)), 3)
    image = 120 + 40 * np.sign(smooth) + 200 * smooth + 60 * fine
    return np.clip(image + random.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
