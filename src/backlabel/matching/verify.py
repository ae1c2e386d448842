"""Whether a JPEG is a copy of a TIFF: how much of what it states the TIFF explains.

A copy was seldom made by JPEG alone. `verify` tries how it may have been made, the simplest first,
and stops at the first that explains nearly everything:

1. as it is, in the JPEG's size, by the usual ways to resample;
2. with other grey values (`tone.curve`): gamma, contrast, equalisation, colour maps;
3. saved as a JPEG before, of a quality that is found;
4. through a median filter;
5. through a small linear filter (`linear_filter`): blur, sharpening, unusual resampling;
6. with grey values changed from place to place (`tone.local_curves`).

None of them can give a TIFF the noise of another frame. Most leave less of a picture's noise than
there was, so that another frame is nearer by chance: each says how much it leaves (`Making`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage, encoding
from backlabel.images.encoding import Resampling, Table
from backlabel.kernels import block_dct as dct
from backlabel.kernels.local_lookup import local_lookup
from backlabel.matching import linear_filter, tone
from backlabel.matching.coefficients import (
    AS_IT_IS,
    FAST,
    Arithmetic,
    Explained,
    Making,
    Picture,
    Published,
    cut,
)

ENOUGH = 0.8
"""Explained share from which nothing else is tried."""
LEAST_ALIKE = 0.3
"""Correlation of the low frequencies below which what follows cannot help: other content."""
_WINDOW = 512  # pixels a side of the part by which a filter is fitted
_QUALITIES = range(20, 99)  # of an earlier JPEG
_SAMPLED = 4  # every so many pixels along a side tell how steep a curve is
_LEAST_SIDE = 16  # pixels
_LEAST_LOCAL = 192  # pixels; in smaller images local curves would follow the noise of a copy


@dataclass(frozen=True)
class Verified:
    """How much of a JPEG a TIFF explains, and how the copy would have been made."""

    explained: float | None
    """Share of the JPEG's coefficients that the TIFF reproduces, beyond what another frame would, 0
    to 1, the median over the parts of the picture that speak. None where too little does."""
    spoke: float
    """Share of the picture's area that had something to say, 0 to 1."""
    degradation: str
    """How the TIFF was changed to explain the most, in words."""


NOT_VERIFIED = Verified(None, 0.0, "")
"""Of a pair of which nobody asked."""

_NOTHING = Explained(None, 0.0, 0.0)
_Made: TypeAlias = tuple[str, Picture, Making]
"""How the TIFF was changed, in words, what became of it, and how for the reckoning of chance."""
_Toned: TypeAlias = tuple[Picture, Making]
_Tried: TypeAlias = tuple[str, Explained]


def verify(
    tiff: GreyImage,
    jpeg: GreyImage,
    table: Table | None,
    arithmetic: Arithmetic = FAST,
    *,
    scale: float = 1.0,
) -> Verified:
    """How much of `jpeg` (H, W) `tiff`, which shows the same in any size, explains.

    `table` is the JPEG's quantisation, its 8x8 blocks beginning at the first pixel; None for a copy
    that is no JPEG. `scale` is what `tiff` was scaled by already.
    """
    if min(jpeg.shape) < _LEAST_SIDE:
        return Verified(None, 0.0, "too small")
    best, best_name = _NOTHING, ""
    for name, explained in _tried(tiff, jpeg, table, arithmetic, scale):
        if not best_name or _share(explained) > _share(best):
            best, best_name = explained, name
        if _share(explained) >= ENOUGH:
            break
    share = None if best.share is None else max(best.share, 0.0)
    return Verified(share, best.spoke, best_name)


def at_once(made: GreyImage, jpeg: GreyImage, table: Table | None, scale: float) -> float:
    """The share that `made`, of the JPEG's shape, explains as it is or with other grey values.

    `scale` is what it was scaled by. Less than nothing where too little speaks.
    """
    small = cut(made)
    published = Published(jpeg, small, table, scale=scale)
    plain = published.explained_by(small.astype(np.float32))
    return max(_share(plain), _share(published.explained_by(*_toned(small, cut(jpeg)))))


def _share(explained: Explained) -> float:
    return -np.inf if explained.share is None else explained.share


def _tried(
    tiff: GreyImage, jpeg: GreyImage, table: Table | None, arithmetic: Arithmetic, scale: float
) -> Iterator[_Tried]:
    same_size = tiff.shape == jpeg.shape
    scale *= (jpeg.size / tiff.size) ** 0.5
    copy = cut(jpeg)
    found: list[tuple[float, GreyImage, Published, float]] = []
    for resampling in encoding.RESAMPLINGS[:1] if same_size else encoding.RESAMPLINGS:
        small = cut(_resized(tiff, jpeg.shape, resampling))
        published = Published(jpeg, small, table, arithmetic, scale)
        plain = published.explained_by(small.astype(np.float32))
        yield _named("as it is", resampling, same_size), plain
        toned = published.explained_by(*_toned(small, copy))
        yield _named("grey values", resampling, same_size), toned
        alike = max(plain.alike, toned.alike)
        found.append((max(_share(plain), _share(toned)), small, published, alike))
    _, small, published, alike = max(found, key=lambda one: one[0])
    if alike >= LEAST_ALIKE:
        nearest = _rounded(published.nearest(_toned(small, copy)[0]))
        yield _elaborate(small, _toned(small, nearest), published)


def _toned(small: GreyImage, copy: GreyImage) -> _Toned:
    """`small` with the grey values of `copy`, and how much of its noise their curve leaves."""
    curve = tone.curve(small, copy)
    sample = small[::_SAMPLED, ::_SAMPLED]
    return curve[small], Making(tone.slope(curve.__getitem__, sample))


def _elaborate(small: GreyImage, toned: _Toned, published: Published) -> _Tried:
    """The best of the ways of making that cost more.

    `toned` is `small` with the grey values of the nearest image that the JPEG would state as well:
    those of the JPEG itself are drawn together where its rounding took away noise. Which way it is,
    the middle of the picture says; the whole picture is made by that one alone.
    """
    window = _window(small.shape)
    part = published.part(*window)
    inner, inner_toned = np.ascontiguousarray(small[window]), (toned[0][window], toned[1])
    step = tone.local_step(small.shape)
    best, best_name, explained = 0, "", _NOTHING
    for number, way in enumerate(_ways(inner, inner_toned, part, step)):
        name, image, making = way()
        found = part.explained_by(image, making)
        if number == 0 or _share(found) > _share(explained):
            best, best_name, explained = number, name, found
        if _share(found) >= ENOUGH:
            break
    if inner.shape == small.shape:
        return best_name, explained
    name, image, making = _ways(small, toned, published, step)[best]()
    return name, published.explained_by(image, making)


def _ways(
    small: GreyImage, toned: _Toned, published: Published, step: int
) -> list[Callable[[], _Made]]:
    bases = ("", small.astype(np.float32), AS_IT_IS), ("grey values, ", *toned)
    ways: list[Callable[[], _Made]] = [
        lambda: ("grey values", *toned),
        *(
            partial(way, *base, published)
            for way in (_saved_before, _median, _filtered)
            for base in bases
        ),
    ]
    if min(small.shape) >= _LEAST_LOCAL:
        ways.append(partial(_locally_toned, small, published, step))
    return ways


def _saved_before(name: str, image: Picture, base: Making, published: Published) -> _Made:
    grey = _rounded(image)
    quality = earlier_quality(grey, published)
    saved = encoding.decoded(encoding.jpeg(grey, quality)).astype(np.float32)
    making = Making(base.noise, _steps(quality))
    return f"{name}saved at quality {quality} before", saved, making


def _median(name: str, image: Picture, base: Making, _: Published) -> _Made:
    from scipy.ndimage import median_filter  # noqa: PLC0415 - slow to import, seldom needed

    found = median_filter(_rounded(image), 3, mode="nearest").astype(np.float32)
    making = Making(base.noise * linear_filter.noise_left(linear_filter.MEDIAN))
    return f"{name}median 3x3", found, making


def _filtered(name: str, image: Picture, base: Making, published: Published) -> _Made:
    window = _window(image.shape)
    weights, offset = linear_filter.fitted(image[window], published.part(*window))
    making = Making(base.noise * linear_filter.noise_left(weights))
    return f"{name}filter", linear_filter.filtered(image, weights, offset), making


def _locally_toned(small: GreyImage, published: Published, step: int) -> _Made:
    def toned(image: GreyImage) -> Picture:
        return local_lookup(image, curves, step)

    curves = tone.local_curves(small, published.pixels, step)
    curves = tone.local_curves(small, published.nearest(toned(small)), step)
    return "local grey values", toned(small), Making(tone.slope(toned, small))


def _rounded(image: Picture) -> GreyImage:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


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
        return _share(part.judged(saved))

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
