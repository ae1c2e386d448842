"""Publications that show a part of an original, and originals that are a page among others.

Every change is a pure function of the image and a random generator, as in `degrade`.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from scipy import ndimage

from backlabel import images
from backlabel.calibration.degrade import COPIES, Grey, Kind
from backlabel.images import encoding

_GAP = 10  # pixels around the panels of a figure
_WHITE = 255


def _cropped(grey: Grey, random: np.random.Generator, *, area: float) -> Grey:
    """A rectangle of this share of the area and of the same proportions, from anywhere."""
    height, width = (round(size * math.sqrt(area)) for size in grey.shape)
    top, left = (
        int(random.integers(0, size - side + 1))
        for size, side in zip(grey.shape, (height, width), strict=True)
    )
    return grey[top : top + height, left : left + width]


def _scaled(grey: Grey, by: float) -> Grey:
    height, width = (max(1, round(size * by)) for size in grey.shape)
    return encoding.resized(grey, height, width)


def _cropped_and_halved(grey: Grey, random: np.random.Generator) -> Grey:
    return _scaled(np.ascontiguousarray(_cropped(grey, random, area=0.6)), 0.5)


def _crop_inverted(grey: Grey, random: np.random.Generator) -> Grey:
    return _WHITE - _cropped(grey, random, area=0.5)


def _crop_turned(grey: Grey, random: np.random.Generator) -> Grey:
    """Mirrored, and turned by a right angle."""
    return _cropped(grey, random, area=0.5).T


def _quadrant(grey: Grey, _: np.random.Generator) -> Grey:
    return grey[: grey.shape[0] // 2, : grey.shape[1] // 2]


def _framed(grey: Grey, _: np.random.Generator, *, pixels: int) -> Grey:
    return np.pad(grey, pixels, constant_values=_WHITE)


def _rotated(grey: Grey, _: np.random.Generator, *, degrees: float) -> Grey:
    """About the centre, black where the original has no pixels."""
    turned = ndimage.rotate(grey.astype(np.float32), degrees, reshape=False, order=3)
    clipped: Grey = np.clip(np.rint(turned), 0, _WHITE).astype(np.uint8)
    return clipped


def _panel(grey: Grey, random: np.random.Generator) -> Grey:
    """A figure of the image and another field beside it, at 60 %."""
    smooth = ndimage.gaussian_filter(random.standard_normal(grey.shape), grey.shape[0] / 40)
    spread = 40 / max(float(smooth.std()), 1e-9)
    other = np.clip(120 + spread * smooth + random.normal(0, 6, grey.shape), 0, _WHITE)
    panels = [np.pad(one, _GAP, constant_values=_WHITE) for one in (grey, other.astype(np.uint8))]
    return _scaled(np.hstack(panels if random.integers(2) else panels[::-1]), 0.6)


PARTS: Mapping[str, Kind] = MappingProxyType(
    {
        **{f"cropped to {n} %": Kind(partial(_cropped, area=n / 100)) for n in (95, 80, 50)},
        "quadrant": Kind(_quadrant),
        "cropped to 60 %, halved": Kind(_cropped_and_halved, 85),
        "cropped, inverted": Kind(_crop_inverted),
        "cropped, mirrored, turned": Kind(_crop_turned),
        **{f"framed by {n} pixels": Kind(partial(_framed, pixels=n)) for n in (2, 20)},
        **{f"rotated by {n} degrees": Kind(partial(_rotated, degrees=n)) for n in (0.3, 1.5, 3)},
        "panel of a figure": Kind(_panel, 85),
    }
)
"""Changes after which the copy shows a part of the original, or more than it."""
PAGES: Mapping[str, Kind] = MappingProxyType({"page of a TIFF": COPIES["quality 90"]})
"""The original is the second page of a TIFF whose first is another frame of its field."""
EVERY: Mapping[str, Kind] = MappingProxyType({**COPIES, **PARTS, **PAGES})
"""Every kind of copy."""


def as_pages(first: Grey, second: Grey) -> tuple[Grey, Grey]:
    """Both pictures, as they are read from one TIFF that has them as its pages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.tif"
        path.write_bytes(encoding.tiff([first, second]))
        return images.read(path, page=1).grey, images.read(path, page=2).grey
