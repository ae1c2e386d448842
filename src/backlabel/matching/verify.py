"""Whether a JPEG is a copy of a TIFF: how much of what it states the TIFF explains.

A copy was seldom made by JPEG alone. `verify` tries how it may have been made, the simplest first,
and stops at the first that explains nearly everything:

1. as it is, in the JPEG's size, by the usual ways to resample;
2. with other grey values (`tone.curve`): gamma, contrast, equalisation, colour maps;
3. saved as a JPEG before, of a quality that is found;
4. through a median filter;
5. through a small linear filter (`linear_filter`): blur, sharpening, unusual resampling;
6. with grey values changed from place to place (`tone.locally_toned`).

None of them can give a TIFF the noise of another frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage, encoding
from backlabel.images.encoding import Resampling, Table
from backlabel.kernels import block_dct as dct
from backlabel.matching import linear_filter, tone
from backlabel.matching.coefficients import FAST, Arithmetic, Explained, Picture, Published, cut

ENOUGH = 0.9
"""Explained share from which nothing else is tried."""
LEAST_ALIKE = 0.5
"""Correlation of the low frequencies below which what follows cannot help: other content."""
_WINDOW = 512  # pixels a side of the part by which a filter is fitted
_QUALITIES = range(20, 99)  # of an earlier JPEG
_LEAST_SIDE = 16  # pixels


@dataclass(frozen=True)
class Verified:
    """How much of a JPEG a TIFF explains, and how the copy would have been made."""

    explained: float | None
    """Share of the JPEG's coefficients that the TIFF reproduces, 0 to 1, the median over the parts
    of the picture that speak. None where too little does."""
    spoke: float
    """Share of the picture's area that had something to say, 0 to 1."""
    degradation: str
    """How the TIFF was changed to explain the most, in words."""


NOT_VERIFIED = Verified(None, 0.0, "")
"""Of a pair of which nobody asked."""

_Try: TypeAlias = tuple[str, Picture]


def verify(
    tiff: GreyImage, jpeg: GreyImage, table: Table | None, arithmetic: Arithmetic = FAST
) -> Verified:
    """How much of `jpeg` (H, W) `tiff`, which shows the same in any size, explains.

    `table` is the JPEG's quantisation, its 8x8 blocks beginning at the first pixel; None for a copy
    that is no JPEG.
    """
    if min(jpeg.shape) < _LEAST_SIDE:
        return Verified(None, 0.0, "too small")
    best: tuple[float, Explained, str] | None = None
    for name, explained in _tried(tiff, jpeg, table, arithmetic):
        share = -1.0 if explained.share is None else explained.share
        if best is None or share > best[0]:
            best = share, explained, name
        if share >= ENOUGH:
            break
    assert best is not None  # the first way is always tried
    return Verified(best[1].share, best[1].spoke, best[2])


def _tried(
    tiff: GreyImage, jpeg: GreyImage, table: Table | None, arithmetic: Arithmetic
) -> Iterator[tuple[str, Explained]]:
    same_size = tiff.shape == jpeg.shape
    copy = cut(jpeg)
    found: list[tuple[float, GreyImage, Published, float]] = []
    for resampling in encoding.RESAMPLINGS[:1] if same_size else encoding.RESAMPLINGS:
        small = cut(_resized(tiff, jpeg.shape, resampling))
        published = Published(jpeg, small, table, arithmetic)
        plain = published.explained_by(small.astype(np.float32))
        yield _named("as it is", resampling, same_size), plain
        toned = published.explained_by(tone.curve(small, copy)[small])
        yield _named("grey values", resampling, same_size), toned
        alike = max(plain.alike, toned.alike)
        found.append((max(plain.share or 0.0, toned.share or 0.0), small, published, alike))
    _, small, published, alike = max(found, key=lambda one: one[0])
    if alike < LEAST_ALIKE:
        return
    toned_image = tone.curve(small, copy)[small]
    for name, image in _elaborate(small, toned_image, published):
        yield name, published.explained_by(image)


def _elaborate(small: GreyImage, toned: Picture, published: Published) -> Iterator[_Try]:
    """Ways of making that cost more to try; `toned` is `small` with the JPEG's grey values."""
    from scipy.ndimage import median_filter  # noqa: PLC0415 - slow to import, seldom needed

    rounded = np.clip(np.rint(toned), 0, 255).astype(np.uint8)
    bases = (("", small), ("grey values, ", rounded))
    for name, base in bases:
        quality = earlier_quality(base, published)
        saved = encoding.decoded(encoding.jpeg(base, quality))
        yield f"{name}saved at quality {quality} before", saved.astype(np.float32)
    for name, base in bases:
        yield f"{name}median 3x3", median_filter(base, 3, mode="nearest").astype(np.float32)
    window = _window(small.shape)
    part = published.part(*window)
    for name, image in (("", small.astype(np.float32)), ("grey values, ", toned)):
        weights, offset = linear_filter.fitted(image[window], part)
        yield f"{name}filter", linear_filter.filtered(image, weights, offset)
    local = tone.locally_toned(small, published.pixels)
    yield "local grey values", tone.locally_toned(small, published.nearest(local))


def earlier_quality(image: GreyImage, published: Published) -> int:
    """The quality (Pillow's) at which an earlier JPEG of `image` explains `published` best.

    Judged on a part of the picture, and on coefficients alone.
    """
    window = _window(image.shape, _WINDOW // 2)
    part = published.part(*window)
    coefficients = dct.block_dct(image[window].astype(np.float32))
    coefficients[:, 0, 0] -= 8 * 128

    def share(quality: int) -> float:
        steps = _steps(quality)[np.newaxis, :, :, np.newaxis]
        saved = np.rint(coefficients / steps) * steps
        saved[:, 0, 0] += 8 * 128
        return part.judged(saved).share or 0.0

    return max(_QUALITIES, key=share)


@lru_cache(maxsize=len(_QUALITIES))
def _steps(quality: int) -> NDArray[np.float32]:
    table = encoding.luma_table(encoding.jpeg(np.zeros((8, 8), np.uint8), quality))
    return np.array(table, np.float32).reshape(dct.SIDE, dct.SIDE)


def _window(shape: tuple[int, ...], side: int = _WINDOW) -> tuple[slice, slice]:
    """The middle of an image, of at most `side` pixels, beginning at a multiple of 32."""
    starts = [max(0, (size - side) // 2) // 32 * 32 for size in shape]
    rows, columns = (
        slice(start, start + min(side, size)) for start, size in zip(starts, shape, strict=True)
    )
    return rows, columns


def _resized(grey: GreyImage, shape: tuple[int, ...], resampling: Resampling) -> GreyImage:
    return grey if grey.shape == shape else encoding.resized(grey, shape[0], shape[1], resampling)


def _named(name: str, resampling: Resampling, same_size: bool) -> str:
    return name if same_size else f"{name}, {resampling.name.lower()}"
