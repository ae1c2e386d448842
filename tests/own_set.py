"""A new user's data: 30 originals in folders of any names, PNG copies of twelve categories."""

from __future__ import annotations

import numpy as np
import tifffile
from PIL import Image, ImageFilter

CATEGORIES = (
    "Wood Steel Glas-Faser Ölfilm Sintered_powder Pollen Solder Concrete Leaf Bone Weld Paper"
).split()
COUNT = 14


def micrograph(seed, height=384, width=512):
    """Structure of a few sizes with the noise of a detector, as uint8 of shape (height, width)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width))
    for size in (24, 8, 3):
        noise = Image.fromarray(rng.integers(0, 256, (height, width), np.uint8))
        layer = np.asarray(noise.filter(ImageFilter.GaussianBlur(size)), np.float64)
        total += (layer - layer.mean()) / layer.std()
    grey = 128 + 35 * total + rng.normal(0, 6, total.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def make(root):
    """Write the originals below `root/raw`, the copies below `root/published`."""
    for number in range(COUNT):
        grey = micrograph(number)
        original = root / f"raw/run {number % 10}/Regina_{number:03}.tif"
        original.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(original, grey)
        copy = root / "published" / CATEGORIES[number % len(CATEGORIES)] / f"{number:04x}.png"
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).resize((384, 288), Image.Resampling.LANCZOS).save(copy)
