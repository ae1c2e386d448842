"""What an image is to the comparisons."""

from __future__ import annotations

import numpy as np

from backlabel.images import GreyImage

_AXES = 2


def check_grey(image: GreyImage) -> None:
    """Raise ValueError unless `image` is (H, W), 8-bit and not empty."""
    if image.dtype != np.uint8 or image.ndim != _AXES or image.size == 0:
        raise ValueError(f"{image.dtype} {image.shape} is not an 8-bit grey image")
