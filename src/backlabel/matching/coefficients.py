"""What a JPEG states of its picture, and how much of it an image explains.

A JPEG keeps numbers: for each block of 8x8 pixels the coefficients of its cosine transform, rounded
to multiples of the steps that its quantisation table names. They hold the picture with its noise.
An original, changed as the copy was, gives the same numbers but for that rounding. Another frame of
the same field has noise of its own, and so other numbers, however much structure both share. Where
the steps are coarse it gives the same ones too, mostly: how often, follows from the steps, and only
what goes beyond it is evidence.

The picture is judged by tiles, so that a databar or an annotation counts for its own area alone.
A tile speaks where it has coefficients that could tell one from the other, and where the TIFF, with
its grey values as they are, shows a picture: databars and burned-in text are mostly one grey value.
Blocks that are partly black or white are left out too, for they no longer have the coefficients
that the JPEG states: what lay beyond was cut off when it was decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.images.encoding import Table
from backlabel.kernels import block_dct as dct
from backlabel.kernels.commonest import commonest
from backlabel.kernels.reproduced import (
    POWER,
    POWER_JPEG,
    PRODUCT,
    REPRODUCED,
    TELLING,
    reproduced,
)

Picture: TypeAlias = NDArray[np.float32]  # (H, W), sides multiples of 8
_Table: TypeAlias = NDArray[np.float32]  # (8, 8)
_Level: TypeAlias = NDArray[np.floating] | float  # (8, 8), or one for all

TOLERANCE = 0.5
"""Grey levels: what rounding pixels to whole levels, before and after JPEG, moves a coefficient.
Its standard deviation is sqrt(1 / 12) = 0.29 each time, for the transform is orthonormal."""
OTHER_NOISE = 4.0
"""Grey levels, standard deviation: what the noise of another frame moves a coefficient, that of
both frames together. A picture that far off explains nothing; see docs/calibration.md."""
_LEAST_NOISE = 1e-3  # grey levels; far below what rounding pixels does
_SHARPENED = 1.15
"""How much more noise is left than the mean of as many pixels has: reduced images are sharpened a
little, by Lanczos's filter or afterwards."""
_MEDIAN_TO_DEVIATION = 1.4826  # of absolute values, if they are distributed normally
_SAMPLED = 1024  # blocks, from all over the picture, whose median it is
MAX_COMMONEST = 0.5
"""Share of a tile's pixels with one grey value from which it is no picture."""
_TILE = 32  # pixels a side
_SMALL = 192  # pixels; images with a shorter side have tiles half as large
_LEAST_TELLING = 0.5  # weight of the coefficients for a tile to speak, half of it in small images
_LEAST_LINES = 2
"""Rows and columns of blocks that have something to say: a tile with fewer may be the edge of a
databar, which any image has that has the databar."""
_LEAST_TILES = 4  # that must speak for a median to mean anything
_TOGETHER = 8.0
"""Weight of neighbouring tiles that are judged as one. Of less, another picture often misses none:
with a probability of exp(-weight)."""
_CERTAIN = 3.0
"""Steps from which a multiple is told from its neighbours in spite of rounded pixels."""
_BLACK, _WHITE = 0, 255
_CUT_OFF = 8  # black or white pixels of the 64 of a block from which it is left out
_LEAST_EVIDENCE = 50.0
"""Weight of all coefficients in tiles that speak. The share of another frame then has a standard
deviation of 1 / sqrt(50) = 0.14 at most, and seldom reaches a limit of 0.4 by chance."""


@dataclass(frozen=True)
class Arithmetic:
    """The loops over pixels: the compiled ones, or those of public libraries."""

    transform: Callable[[Picture], dct.Coefficients]
    reproduced: Callable[
        [dct.Coefficients, dct.Coefficients, _Table, _Table, float], NDArray[np.float32]
    ]
    commonest: Callable[[GreyImage, int], NDArray[np.int64]]


FAST = Arithmetic(dct.block_dct, reproduced, commonest)


@dataclass(frozen=True)
class Making:
    """How an image was made of a TIFF, as far as another frame's chance depends on it."""

    noise: _Level = 1.0
    """Share of the standard deviation of the TIFF's noise that is left in each coefficient."""
    steps: _Level = 1.0
    """Those of an earlier JPEG: coefficients are multiples of them, whatever the later one's."""


AS_IT_IS = Making()


@dataclass(frozen=True)
class Explained:
    """How much of a JPEG an image explains."""

    share: float | None
    """Median over the tiles that speak of the share of their coefficients that the image
    reproduces, beyond what another frame would: 1 for a copy, about 0 for such a frame, less for
    another picture. None where too few tiles speak."""
    spoke: float
    """Share of the picture's area whose tiles speak, 0 to 1."""
    alike: float
    """Median over the same tiles of the correlation of the low frequencies, -1 to 1: whether both
    show the same, whatever became of the noise. 0 where too few speak."""


class Published:
    """What a JPEG states, and where the TIFF beside it shows a picture."""

    def __init__(
        self,
        jpeg: GreyImage,
        tiff: GreyImage,
        table: Table | None,
        arithmetic: Arithmetic = FAST,
        scale: float = 1.0,
    ) -> None:
        """`tiff` has the size (H, W) of `jpeg`; sides are cut to multiples of 8.

        `scale` is what it was scaled by for that. Averaging n x n pixels leaves one n-th of their
        noise, and so does any other way to reduce an image, nearly.
        Without `table` (a copy that is no JPEG) coefficients must agree to the rounding of pixels.
        """
        self._arithmetic = arithmetic
        steps = np.ones(dct.SIDE**2) if table is None else np.array(table)
        self.steps = steps.astype(np.float32).reshape(dct.SIDE, dct.SIDE)
        self._read(cut(jpeg).astype(np.float32))
        self._side = _TILE if min(jpeg.shape) >= _SMALL else _TILE // 2
        most = arithmetic.commonest(cut(tiff), self._side)
        self._is_picture = most <= MAX_COMMONEST * self._side**2
        self._other_noise = OTHER_NOISE * min(_SHARPENED * scale, 1.0)
        self._spread = self._measured_spread()

    def _read(self, pixels: Picture) -> None:
        """Take what the JPEG states from its `pixels`.

        Rounding them moves the coefficients: one that stands alone in its block by several tenths.
        They are multiples of their steps, so that the nearest one is what was stated.
        """
        self.pixels = pixels
        found = self._arithmetic.transform(pixels)
        blocks = pixels.reshape(found.shape[0], dct.SIDE, found.shape[3], dct.SIDE)
        cut_off = ((blocks <= _BLACK) | (blocks >= _WHITE)).sum(axis=(1, 3))
        self._is_whole = cut_off < _CUT_OFF
        steps = self.steps[np.newaxis, :, :, np.newaxis]
        self.coefficients = np.where(steps >= _CERTAIN, np.rint(found / steps) * steps, found)

    def _measured_spread(self) -> _Table:
        """How much each coefficient varies where there is a picture, with what rounding hid.

        As a standard deviation, from the median of absolute values: a few edges do not count.
        """
        within = self._side // dct.SIDE
        blocks = np.repeat(np.repeat(self._is_picture, within, 0), within, 1)
        rows, columns = np.nonzero(blocks)
        every = max(1, len(rows) // _SAMPLED)
        some = np.abs(self.coefficients[rows[::every], :, :, columns[::every]])
        middle = np.median(some, axis=0) if len(some) else np.zeros(self.steps.shape, np.float32)
        found: _Table = np.hypot(_MEDIAN_TO_DEVIATION * middle, self.steps / 12**0.5)
        return found.astype(np.float32)

    def explained_by(self, image: Picture, making: Making = AS_IT_IS) -> Explained:
        """How much of the JPEG `image` explains, an image of the same shape as `pixels`.

        `making` is how the image was made of the TIFF.
        """
        return self.judged(self._arithmetic.transform(image), making)

    def judged(self, coefficients: dct.Coefficients, making: Making = AS_IT_IS) -> Explained:
        """The same for an image that is given by its coefficients."""
        tiles, speaks = self._tiles(coefficients, making)
        spoke = float(speaks.mean()) if speaks.size else 0.0
        said = tiles[:, speaks]
        if said.shape[1] < _LEAST_TILES or said[TELLING].sum() < _LEAST_EVIDENCE:
            return Explained(None, spoke, 0.0)
        power = np.sqrt(said[POWER] * said[POWER_JPEG])
        correlation = np.where(power > 0, said[PRODUCT] / np.maximum(power, 1e-6), 0.0)
        together = np.unique(said[TELLING].cumsum() // _TOGETHER, return_inverse=True)[1]
        brought, weight = (np.bincount(together, said[one]) for one in (REPRODUCED, TELLING))
        share = float(np.median((brought / weight)[together]))
        return Explained(share, spoke, float(np.median(correlation)))

    def by_tile(self, image: Picture) -> NDArray[np.float32]:
        """The share of each tile (rows, columns) that `image` explains; NaN where it is silent."""
        tiles, speaks = self._tiles(self._arithmetic.transform(image), AS_IT_IS)
        shares = np.full(speaks.shape, np.nan, np.float32)
        np.divide(tiles[REPRODUCED], tiles[TELLING], out=shares, where=speaks)
        return shares

    def _tiles(
        self, coefficients: dct.Coefficients, making: Making
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Sums of each tile (5, rows, columns), and which tiles speak."""
        theirs, count = self.coefficients, self._arithmetic.reproduced
        steps = np.maximum(self.steps, making.steps)
        other_noise = self._other_noise * np.minimum(making.noise, 1.0)
        chance = by_chance(steps, self._spread, other_noise)
        blocks = count(coefficients, theirs, steps, chance, TOLERANCE) * self._is_whole
        tiles = _tiled(blocks, self._side // dct.SIDE)
        sums: NDArray[np.float32] = tiles.sum(axis=(2, 4))
        telling = tiles[TELLING] > 0
        rows, columns = telling.any(axis=3).sum(axis=1), telling.any(axis=1).sum(axis=2)
        speaks = sums[TELLING] >= _LEAST_TELLING * self._side / _TILE
        return sums, speaks & (np.minimum(rows, columns) >= _LEAST_LINES) & self._is_picture

    def nearest(self, image: Picture) -> Picture:
        """The image nearest to `image` that this JPEG would state as well."""
        half = self.steps[np.newaxis, :, :, np.newaxis] / 2
        low, high = self.coefficients - half, self.coefficients + half
        return dct.inverse(np.clip(self._arithmetic.transform(image), low, high))

    def part(self, rows: slice, columns: slice) -> Published:
        """The same for a part of the picture; both slices begin and end at multiples of 8."""
        part = Published.__new__(Published)
        part.steps, part._spread, part._other_noise = self.steps, self._spread, self._other_noise
        part._side, part._arithmetic = self._side, self._arithmetic
        part._read(np.ascontiguousarray(self.pixels[rows, columns]))
        shape = tuple(size // self._side for size in part.pixels.shape)
        first = rows.start // self._side, columns.start // self._side
        part._is_picture = self._is_picture[
            first[0] : first[0] + shape[0], first[1] : first[1] + shape[1]
        ]
        return part


def by_chance(steps: _Table, spread: _Table, other_noise: _Level = OTHER_NOISE) -> _Table:
    """The share of coefficients that another picture reproduces, for each step q.

    Its coefficients are off by n, of standard deviation s: `other_noise` for another frame, but no
    more than sqrt(2) times the `spread` of the coefficient, by which two fields of little contrast
    differ that have nothing in common. Where a coefficient lies within a step, u, is even from
    -q / 2 to q / 2, so that the share is P(|u + n| <= w) with w = q / 2 + `TOLERANCE`:
    (G(w + q/2) - G(w - q/2) - G(q/2 - w) + G(-w - q/2)) / q, where G(x) = x Phi(x / s) +
    s phi(x / s) is the integral of the normal distribution Phi(x / s).
    """
    from scipy.special import ndtr  # noqa: PLC0415 - slow to import

    noise = np.minimum(other_noise, np.sqrt(2.0) * spread.astype(np.float64))
    noise = np.maximum(noise, _LEAST_NOISE)

    def integral(x: NDArray[np.float64]) -> NDArray[np.float64]:
        z = x / noise
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        found: NDArray[np.float64] = x * ndtr(z) + noise * density
        return found

    half = steps.astype(np.float64) / 2
    within = half + TOLERANCE
    upper = integral(within + half) - integral(within - half)
    lower = integral(half - within) - integral(-half - within)
    share: _Table = np.minimum((upper - lower) / steps, 1.0).astype(np.float32)
    return share


def cut(image: NDArray[np.uint8]) -> GreyImage:
    """`image` without the rows and columns that fill no block of 8x8."""
    height, width = (size // dct.SIDE * dct.SIDE for size in image.shape)
    return np.ascontiguousarray(image[:height, :width])


def _tiled(blocks: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(5, rows, side, columns, side): whole squares of `side` blocks."""
    count, rows, columns = blocks.shape[0], blocks.shape[1] // side, blocks.shape[2] // side
    whole = blocks[:, : rows * side, : columns * side]
    return whole.reshape(count, rows, side, columns, side)
