"""Changes that turn an original into a published copy, and frames that only look like one.

Every change is a pure function of the image and a random generator; `COPIES` names those whose
result is still a copy, `next_frame` makes an image of the same field that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backlabel.images import encode

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)
Change: TypeAlias = Callable[[Grey, np.random.Generator], Grey]

_WHITE = 255
_DENOISE_SIGMA = 1.2  # pixels
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_BLOCK = 16  # pixels, for the level of the noise


def copy(grey: Grey, kind: str, seed: int) -> Grey:
    """`grey` after the change `kind` of `COPIES`; the same seed gives the same pixels."""
    return np.ascontiguousarray(COPIES[kind](grey, np.random.default_rng(seed)))


def _jpeg(grey: Grey, _: np.random.Generator, *, quality: int) -> Grey:
    return encode.through_jpeg(grey, quality)


def _scaled(grey: Grey, _: np.random.Generator, *, by: float, by_height: float = 1.0) -> Grey:
    height, width = grey.shape
    return encode.resized(grey, round(height * by * by_height), round(width * by))


def _gamma(grey: Grey, _: np.random.Generator, *, gamma: float) -> Grey:
    table = np.rint(_WHITE * (np.arange(256) / _WHITE) ** gamma).astype(np.uint8)
    return table[grey]


def _linear(grey: Grey, _: np.random.Generator, *, factor: float = 1.0, add: float = 0.0) -> Grey:
    """Contrast about the middle grey, then brightness; what leaves 0..255 is clipped."""
    middle = 127.5
    table = (np.arange(256) - middle) * factor + middle + add
    return np.clip(np.rint(table), 0, _WHITE).astype(np.uint8)[grey]


def _inverted(grey: Grey, _: np.random.Generator) -> Grey:
    return _WHITE - grey


def _flipped(grey: Grey, _: np.random.Generator, *, axis: int) -> Grey:
    return np.flip(grey, axis)


def _turned(grey: Grey, _: np.random.Generator, *, quarters: int) -> Grey:
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


def _then(*changes: Change) -> Change:
    def all_of_them(grey: Grey, random: np.random.Generator) -> Grey:
        for change in changes:
            grey = change(np.ascontiguousarray(grey), random)
        return grey

    return all_of_them


def _published(change: Change, quality: int = 90) -> Change:
    return _then(change, partial(_jpeg, quality=quality))


COPIES: Mapping[str, Change] = MappingProxyType(
    {
        **{f"quality {q}": partial(_jpeg, quality=q) for q in (100, 95, 90, 75, 50, 20)},
        "three quarters": _published(partial(_scaled, by=0.75)),
        "half size": _published(partial(_scaled, by=0.5)),
        "half size, quality 75": _published(partial(_scaled, by=0.5), 75),
        "half size, quality 50": _published(partial(_scaled, by=0.5), 50),
        "quarter size, quality 75": _published(partial(_scaled, by=0.25), 75),
        "stretched": _published(partial(_scaled, by=1.0, by_height=0.948)),
        **{f"gamma {g}": _published(partial(_gamma, gamma=g)) for g in (0.5, 0.7, 1.4, 2.0)},
        "contrast 1.5": _published(partial(_linear, factor=1.5)),
        "contrast 0.6": _published(partial(_linear, factor=0.6)),
        "brighter": _published(partial(_linear, add=30)),
        "darker": _published(partial(_linear, add=-30)),
        "flipped sideways": _published(partial(_flipped, axis=1)),
        "flipped upside down": _published(partial(_flipped, axis=0)),
        **{f"turned {90 * n}": _published(partial(_turned, quarters=n)) for n in (1, 2, 3)},
        "inverted": _published(_inverted),
        "bottom 4 % cut": _published(partial(_bottom_cut, share=0.04)),
        "bottom 6 % cut": _published(partial(_bottom_cut, share=0.06)),
        "bottom 8 % cut": _published(partial(_bottom_cut, share=0.08)),
        "bottom 11 % cut": _published(partial(_bottom_cut, share=0.11)),
        "border 1 % cut": _published(partial(_border_cut, share=0.01)),
        "border 3 % cut": _published(partial(_border_cut, share=0.03)),
        "blurred": _published(partial(_blurred, sigma=1.0)),
        "noisy": _published(partial(_noisy, sigma=5.0)),
        "annotated": _published(_annotated),
        "half, gamma 1.4, quality 75": _published(
            _then(partial(_scaled, by=0.5), partial(_gamma, gamma=1.4)), 75
        ),
    }
)
"""Every kind of change whose result is still a copy, by name."""


def next_frame(grey: Grey, drift: tuple[float, float], seed: int) -> Grey:
    """The same field scanned once more: moved by `drift` (rows, columns; pixels), fresh noise.

    The noise has the spectrum and the strength of what a Gaussian takes away from `grey`, with
    random phases; its strength is the median over blocks, so that edges do not count as noise.
    """
    original = grey.astype(np.float32)
    clean = ndimage.gaussian_filter(original, _DENOISE_SIGMA)
    residual = original - clean
    moved = ndimage.shift(clean, drift, order=1, mode="nearest")
    fresh = _same_spectrum(residual, np.random.default_rng(seed))
    return _to_grey(moved + fresh * _noise_level(residual) / max(float(fresh.std()), 1e-6))


def _same_spectrum(
    residual: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.float32]:
    white = np.fft.rfft2(random.standard_normal(residual.shape))
    strength = np.abs(np.fft.rfft2(residual))
    shaped = white / np.maximum(np.abs(white), 1e-12) * strength
    return np.fft.irfft2(shaped, residual.shape).astype(np.float32)


def _noise_level(residual: NDArray[np.float32]) -> float:
    """Standard deviation of the noise: the median of the robust deviations of all blocks."""
    rows, columns = (size // _BLOCK * _BLOCK for size in residual.shape)
    blocks = residual[:rows, :columns].reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    return _MAD_TO_SIGMA * float(np.median(np.median(np.abs(blocks), axis=(1, 3))))


def _to_grey(image: NDArray[np.floating]) -> Grey:
    return np.clip(np.rint(image), 0, _WHITE).astype(np.uint8)
