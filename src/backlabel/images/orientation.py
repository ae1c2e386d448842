"""Orientation, the same for TIFF (tag 274) and JPEG (EXIF): the picture as it is meant to stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Picture = TypeVar("Picture", bound=NDArray[Any])

# TIFF 6.0, tag Orientation: where the first row and the first column of the file belong.
_ROTATIONS: dict[int, Callable[[Any], Any]] = {
    2: np.fliplr,
    3: lambda grey: np.rot90(grey, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda grey: np.rot90(grey, -1),
    7: lambda grey: np.rot90(grey, 2).T,
    8: np.rot90,
}


def upright(grey: Picture, orientation: int) -> tuple[Picture, str]:
    """`grey` rotated or mirrored so that it stands upright, and a note.

    An orientation that is 1 or no valid one changes nothing.
    """
    rotate = _ROTATIONS.get(orientation)
    if rotate is None:
        return grey, ""
    rotated: Picture = np.ascontiguousarray(rotate(grey))  # type: ignore[assignment]
    return rotated, f"orientation {orientation}"
