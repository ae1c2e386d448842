"""What a reader gives, and how much it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

GreyImage = NDArray[np.uint8]
"""(H, W), C-contiguous, 0 black to 255 white."""

Kind = Literal["jpeg", "tiff"]

EXTENSIONS: dict[str, Kind] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
}


@dataclass(frozen=True)
class Limits:
    """Upper bounds of one image, inclusive, checked on its size and header before any decoding."""

    max_pixels: int = 178_956_970  # Pillow's own limit for an error: 1 GiB / 4 / 3, times two
    max_bytes: int = 4 << 30  # of the file
    max_decoded_bytes: int = 1 << 30  # of the samples before they become grey


@dataclass(frozen=True)
class Picture:
    """One image as grey; `note` says in a few words what was done to it, or is empty."""

    grey: GreyImage
    kind: Kind
    note: str


def kind_of_name(name: str) -> Kind | None:
    """What the extension promises; letters of any case, blanks after it ignored."""
    _, dot, extension = name.rstrip().lower().rpartition(".")
    return EXTENSIONS.get(dot + extension)
