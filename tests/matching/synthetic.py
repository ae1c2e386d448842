"""Images for these tests: smooth structure with noise, as a micrograph has them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Grey = NDArray[np.uint8]


def scene(shape: tuple[int, int], *, seed: int, noise: float = 6.0) -> Grey:
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=shape), 4)
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 200 + 25
    return np.clip(smooth + rng.normal(size=shape) * noise, 0, 255).astype(np.uint8)


def noisy(image: Grey, *, seed: int, sigma: float = 8.0) -> Grey:
    noise = np.random.default_rng(seed).normal(size=image.shape) * sigma
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def flat(value: int, shape: tuple[int, int] = (70, 90)) -> Grey:
    return np.full(shape, value, np.uint8)
