"""RGB to grey with Pillow's weights, and look-up tables.

Grey is (19595 R + 38470 G + 7471 B + 32768) >> 16: the ITU-R 601-2 luma in 16-bit fixed point, as
`Image.convert("L")` has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.images._kernels import look_up, look_up_deep, rgb_to_grey
from backlabel.images.picture import GreyImage

WEIGHTS = (19595, 38470, 7471)
_HALF = 1 << 15


def luma(rgb: NDArray[np.uint8]) -> GreyImage:
    """(H, W, 3) or wider, further channels ignored -> (H, W)."""
    pixels = np.ascontiguousarray(rgb[..., :3])
    grey = np.empty(pixels.shape[:2], np.uint8)
    rgb_to_grey(pixels.reshape(-1), grey.reshape(-1))
    return grey


def luma_reference(rgb: NDArray[np.uint8]) -> GreyImage:
    """The same in plain NumPy; the kernel is tested against it."""
    weighted = rgb[..., :3].astype(np.uint32) @ np.array(WEIGHTS, np.uint32)
    grey: GreyImage = ((weighted + _HALF) >> 16).astype(np.uint8)
    return grey


def through(table: NDArray[np.uint8], index: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8]:
    """table[index] of any shape; `table` has a row for each value of the index's type."""
    if len(table) != np.iinfo(index.dtype).max + 1:
        raise ValueError(f"a table of {len(table)} rows for an index of {index.dtype}")
    out = np.empty(index.shape, np.uint8)
    kernel: Any = look_up if index.dtype == np.uint8 else look_up_deep
    # The compiled loops take no array that is read-only.
    own, flat = (np.require(array, requirements=["C", "W"]).reshape(-1) for array in (table, index))
    kernel(own, flat, out.reshape(-1))
    return out
