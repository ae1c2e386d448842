"""Grey images: what counts as one, and how colour becomes grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backlabel.images.picture import GreyImage

_AXES = 2


def luma(rgb: NDArray[np.uint8]) -> GreyImage:
    """(H, W, 3) or wider, further channels ignored -> (H, W), as Pillow's `convert("L")` has it.

    That is the ITU-R 601-2 luma in fixed point: (19595 R + 38470 G + 7471 B + 32768) >> 16.
    """
    return np.asarray(Image.fromarray(np.ascontiguousarray(rgb[..., :3])).convert("L"))


def check_grey(image: NDArray[np.generic]) -> None:
    """Raise ValueError unless `image` is (H, W), 8-bit and not empty."""
    if image.dtype != np.uint8 or image.ndim != _AXES or image.size == 0:
        raise ValueError(f"{image.dtype} {image.shape} is not an 8-bit grey image")
