"""Changes that turn an original into a published copy.

Every change is a pure function of the image and a random generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backlabel.images import encoding

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)
Change: TypeAlias = Callable[[Grey, np.random.Generator], Grey]

_WHITE = 255
_VIRIDIS = (30.7, 61.6, 81.6, 96.6, 110.6, 129.0, 157.4, 186.5, 215.6)
"""Brightness of matplotlib's colour map of this name (ITU-R BT.601)."""
_JET = (14.5, 29.1, 103.9, 178.8, 187.8, 225.9, 151.1, 76.2, 38.1)
"""Likewise; neither rising nor falling."""


@dataclass(frozen=True)
class Kind:
    """How a copy differs from its original: a change of the pixels, then one JPEG."""

    change: Change
    quality: int = 90


@dataclass(frozen=True)
class Copy:
    """A published copy as a reader sees it."""

    pixels: Grey
    table: encoding.Table
    """Quantisation of the JPEG."""


def copy(grey: Grey, kind: Kind, seed: int) -> Copy:
    """A copy of `grey`; the same seed gives the same pixels."""
    changed = kind.change(grey, np.random.default_rng(seed))
    data = encoding.jpeg(np.ascontiguousarray(changed), kind.quality)
    return Copy(encoding.decoded(data), encoding.luma_table(data))


def _unchanged(grey: Grey, _: np.random.Generator) -> Grey:
    return grey


def _scaled(
    grey: Grey,
    _: np.random.Generator,
    *,
    by: float,
    by_height: float = 1.0,
    resampling: encoding.Resampling = encoding.Resampling.BICUBIC,
) -> Grey:
    height, width = grey.shape
    return encoding.resized(grey, round(height * by * by_height), round(width * by), resampling)


def _gamma(grey: Grey, _: np.random.Generator, *, gamma: float) -> Grey:
    table: Grey = np.rint(_WHITE * (np.arange(256) / _WHITE) ** gamma).astype(np.uint8)
    return table[grey]


def _linear(grey: Grey, _: np.random.Generator, *, factor: float = 1.0, add: float = 0.0) -> Grey:
    """Contrast about the middle grey, then brightness; what leaves 0..255 is clipped."""
    middle = 127.5
    table = (np.arange(256) - middle) * factor + middle + add
    return _to_grey(table)[grey]


def _inverted(grey: Grey, _: np.random.Generator) -> Grey:
    return _WHITE - grey


def _flipped(grey: Grey, _: np.random.Generator, *, axis: int) -> Grey:
    return np.flip(grey, axis)


def _rotated(grey: Grey, _: np.random.Generator, *, quarters: int) -> Grey:
    return np.rot90(grey, quarters)


def _bottom_cut(grey: Grey, _: np.random.Generator, *, share: float) -> Grey:
    return grey[: grey.shape[0] - round(grey.shape[0] * share)]


def _border_cut(grey: Grey, _: np.random.Generator, *, share: float) -> Grey:
    rows, columns = (round(size * share) for size in grey.shape)
    return grey[rows : grey.shape[0] - rows, columns : grey.shape[1] - columns]


def _blurred(grey: Grey, _: np.random.Generator, *, sigma: float) -> Grey:
    return _to_grey(ndimage.gaussian_filter(grey.astype(np.float32), sigma))


def _noisy(grey: Grey, random: np.random.Generator, *, sigma: float) -> Grey:
    return _to_grey(grey + random.normal(0, sigma, grey.shape))


def _annotated(grey: Grey, random: np.random.Generator) -> Grey:
    """A white box with dark strokes and a measuring line, as microscopes burn them in."""
    height, width = grey.shape
    marked = grey.copy()
    top, left = (int(random.integers(0, size * 3 // 4)) for size in grey.shape)
    box = marked[top : top + height // 12, left : left + width // 5]
    box[...] = _WHITE
    box[2:-2:3, 2 : -2 : random.integers(3, 7)] = 0
    line = int(random.integers(0, height - 3))
    marked[line : line + 3, width // 4 : width // 2] = _WHITE
    return marked


def _saved_before(grey: Grey, _: np.random.Generator, *, quality: int) -> Grey:
    return encoding.decoded(encoding.jpeg(grey, quality))


def _equalised(grey: Grey, _: np.random.Generator) -> Grey:
    shares = np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size
    return _to_grey(_WHITE * shares)[grey]


def _locally_equalised(grey: Grey, _: np.random.Generator) -> Grey:
    from skimage import exposure  # noqa: PLC0415 - slow to import, and one kind needs it

    found = exposure.equalize_adapthist(grey, clip_limit=0.02)
    return _to_grey(found * _WHITE)


def _coloured(grey: Grey, _: np.random.Generator, *, luma: Sequence[float]) -> Grey:
    """Through the brightness of a colour map, of which `luma` are evenly spaced values."""
    places = np.linspace(0, _WHITE, len(luma))
    return _to_grey(np.interp(np.arange(256), places, luma))[grey]


def _median(grey: Grey, _: np.random.Generator) -> Grey:
    filtered: Grey = ndimage.median_filter(grey, 3, mode="nearest")
    return filtered


def _screenshot(grey: Grey, random: np.random.Generator) -> Grey:
    small = _scaled(grey, random, by=0.83, resampling=encoding.Resampling.LANCZOS)
    blurred = ndimage.gaussian_filter(small.astype(np.float32), 1.0)
    return _to_grey(small + 0.5 * (small - blurred))


def _bar_swapped(grey: Grey, random: np.random.Generator) -> Grey:
    """The bottom 9 % under another databar: dark, with strokes as of text and a scale bar."""
    height, width = grey.shape
    marked = grey.copy()
    bar = marked[height - round(0.09 * height) :]
    bar[...] = 20
    top, low = len(bar) // 4, max(len(bar) // 2, len(bar) // 4 + 1)
    bar[top:low, width // 50 : width // 2 : int(random.integers(4, 9))] = _WHITE
    bar[-3:-1, 3 * width // 4 : 19 * width // 20] = _WHITE
    return marked


def _half_and_gamma(grey: Grey, random: np.random.Generator) -> Grey:
    return _gamma(_scaled(grey, random, by=0.5), random, gamma=1.4)


COPIES: Mapping[str, Kind] = MappingProxyType(
    {
        **{f"quality {q}": Kind(_unchanged, q) for q in (100, 95, 90, 75, 50, 20)},
        "quality 60, saved again": Kind(partial(_saved_before, quality=60)),
        "three quarters": Kind(partial(_scaled, by=0.75)),
        "half size": Kind(partial(_scaled, by=0.5)),
        "half size, averaged": Kind(partial(_scaled, by=0.5, resampling=encoding.Resampling.BOX)),
        "half size, quality 75": Kind(partial(_scaled, by=0.5), 75),
        "half size, quality 50": Kind(partial(_scaled, by=0.5), 50),
        "quarter size, quality 75": Kind(partial(_scaled, by=0.25), 75),
        "half size, gamma 1.4, quality 75": Kind(_half_and_gamma, 75),
        "stretched": Kind(partial(_scaled, by=1.0, by_height=0.948)),
        **{f"gamma {g}": Kind(partial(_gamma, gamma=g)) for g in (0.5, 0.7, 1.4, 2.0)},
        "contrast 1.5": Kind(partial(_linear, factor=1.5)),
        "contrast 0.6": Kind(partial(_linear, factor=0.6)),
        "brighter": Kind(partial(_linear, add=30)),
        "darker": Kind(partial(_linear, add=-30)),
        "flipped sideways": Kind(partial(_flipped, axis=1)),
        "flipped upside down": Kind(partial(_flipped, axis=0)),
        **{f"rotated {90 * n}": Kind(partial(_rotated, quarters=n)) for n in (1, 2, 3)},
        "inverted": Kind(_inverted),
        **{f"bottom {n} % cut": Kind(partial(_bottom_cut, share=n / 100)) for n in (4, 6, 8, 11)},
        **{f"border {n} % cut": Kind(partial(_border_cut, share=n / 100)) for n in (1, 3)},
        "equalised": Kind(_equalised, 95),
        "locally equalised": Kind(_locally_equalised, 95),
        "viridis": Kind(partial(_coloured, luma=_VIRIDIS), 95),
        "jet": Kind(partial(_coloured, luma=_JET), 95),
        "blurred": Kind(partial(_blurred, sigma=1.0)),
        "blurred by 1.5": Kind(partial(_blurred, sigma=1.5), 95),
        "median filtered": Kind(_median, 95),
        "quality 60, then 85": Kind(partial(_saved_before, quality=60), 85),
        "screenshot": Kind(_screenshot, 85),
        "databar swapped": Kind(_bar_swapped, 95),
        "noisy": Kind(partial(_noisy, sigma=5.0)),
        "annotated": Kind(_annotated),
    }
)
"""Every kind of change whose result is still a copy, by name; quality 90 where none is named."""


def _to_grey(image: NDArray[np.floating]) -> Grey:
    clipped: Grey = np.clip(np.rint(image), 0, _WHITE).astype(np.uint8)
    return clipped
