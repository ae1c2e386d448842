"""What a JPEG states of its picture, and how much of it an image explains.

A JPEG keeps numbers: for each block of 8x8 pixels the coefficients of its cosine transform, rounded
to multiples of the steps that its quantisation table names. They hold the picture with its noise.
An original, changed as the copy was, gives the same numbers but for that rounding. Another frame of
the same field has noise of its own, and so other numbers, however much structure both share.

The picture is judged by tiles, so that a databar or an annotation counts for its own area alone.
A tile speaks where it has enough coefficients that are not zero, and where the TIFF, with its grey
values as they are, shows a picture: databars and burned-in text are mostly one grey value.
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
    SPEAKING,
    reproduced,
)

Picture: TypeAlias = NDArray[np.float32]  # (H, W), sides multiples of 8

TOLERANCE = 0.5
"""Grey levels: what rounding pixels to whole levels, before and after JPEG, moves a coefficient.
Its standard deviation is sqrt(1 / 12) = 0.29 each time, for the transform is orthonormal."""
MAX_COMMONEST = 0.5
"""Share of a tile's pixels with one grey value from which it is no picture."""
_TILE = 32  # pixels a side
_SMALL = 192  # pixels; images with a shorter side have tiles half as large
_LEAST_COEFFICIENTS = 16  # for a tile to speak, half of it in small images
_LINES = 1.25
"""Rows of blocks: where no more of a tile has something to say, it may be the edge of a databar,
which any image has that has the databar."""
_LEAST_TILES = 4  # that must speak for a median to mean anything


@dataclass(frozen=True)
class Arithmetic:
    """The loops over pixels: the compiled ones, or those of public libraries."""

    transform: Callable[[Picture], dct.Coefficients]
    reproduced: Callable[
        [dct.Coefficients, dct.Coefficients, NDArray[np.float32], float], NDArray[np.float32]
    ]
    commonest: Callable[[GreyImage, int], NDArray[np.int64]]


FAST = Arithmetic(dct.block_dct, reproduced, commonest)


@dataclass(frozen=True)
class Explained:
    """How much of a JPEG an image explains."""

    share: float | None
    """Median over the tiles that speak of the share of their coefficients that the image
    reproduces, 0 to 1. None where too few tiles speak."""
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
    ) -> None:
        """`tiff` has the size (H, W) of `jpeg`; sides are cut to multiples of 8.

        Without `table` (a copy that is no JPEG) coefficients must agree to the rounding of pixels.
        """
        self._arithmetic = arithmetic
        self.pixels: Picture = cut(jpeg).astype(np.float32)
        self.coefficients = arithmetic.transform(self.pixels)
        steps = np.ones(dct.SIDE**2) if table is None else np.array(table)
        self.steps = steps.astype(np.float32).reshape(dct.SIDE, dct.SIDE)
        self._side = _TILE if min(jpeg.shape) >= _SMALL else _TILE // 2
        most = arithmetic.commonest(cut(tiff), self._side)
        self._is_picture = most <= MAX_COMMONEST * self._side**2

    def explained_by(self, image: Picture) -> Explained:
        """How much of the JPEG `image` explains, an image of the same shape as `pixels`."""
        return self.judged(self._arithmetic.transform(image))

    def judged(self, coefficients: dct.Coefficients) -> Explained:
        """The same for an image that is given by its coefficients."""
        tiles, speaks = self._tiles(coefficients)
        spoke = float(speaks.mean()) if speaks.size else 0.0
        if np.count_nonzero(speaks) < _LEAST_TILES:
            return Explained(None, spoke, 0.0)
        said = tiles[:, speaks]
        power = np.sqrt(said[POWER] * said[POWER_JPEG])
        correlation = np.where(power > 0, said[PRODUCT] / np.maximum(power, 1e-6), 0.0)
        share = said[REPRODUCED] / said[SPEAKING]
        return Explained(float(np.median(share)), spoke, float(np.median(correlation)))

    def by_tile(self, image: Picture) -> NDArray[np.float32]:
        """The share of each tile (rows, columns) that `image` explains; NaN where it is silent."""
        tiles, speaks = self._tiles(self._arithmetic.transform(image))
        shares: NDArray[np.float32] = np.where(
            speaks, tiles[REPRODUCED] / np.maximum(tiles[SPEAKING], 1), np.nan
        )
        return shares

    def _tiles(
        self, coefficients: dct.Coefficients
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Sums of each tile (5, rows, columns), and which tiles speak."""
        theirs, count = self.coefficients, self._arithmetic.reproduced
        blocks = count(coefficients, theirs, self.steps, TOLERANCE)
        within = self._side // dct.SIDE
        tiles = _tiles(blocks, within)
        busy = _tiles((blocks[:1] > 0).astype(np.float32), within)[0]
        least = _LEAST_COEFFICIENTS * self._side // _TILE
        return tiles, (tiles[SPEAKING] >= least) & (busy > within * _LINES) & self._is_picture

    def nearest(self, image: Picture) -> Picture:
        """The image nearest to `image` that this JPEG would state as well."""
        half = self.steps[np.newaxis, :, :, np.newaxis] / 2
        low, high = self.coefficients - half, self.coefficients + half
        return dct.inverse(np.clip(self._arithmetic.transform(image), low, high))

    def part(self, rows: slice, columns: slice) -> Published:
        """The same for a part of the picture; both slices begin and end at multiples of 8."""
        part = Published.__new__(Published)
        part.pixels = np.ascontiguousarray(self.pixels[rows, columns])
        part.coefficients = self._arithmetic.transform(part.pixels)
        part.steps, part._side, part._arithmetic = self.steps, self._side, self._arithmetic
        shape = tuple(size // self._side for size in part.pixels.shape)
        first = rows.start // self._side, columns.start // self._side
        part._is_picture = self._is_picture[
            first[0] : first[0] + shape[0], first[1] : first[1] + shape[1]
        ]
        return part


def cut(image: NDArray[np.uint8]) -> GreyImage:
    """`image` without the rows and columns that fill no block of 8x8."""
    height, width = (size // dct.SIDE * dct.SIDE for size in image.shape)
    return np.ascontiguousarray(image[:height, :width])


def _tiles(blocks: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Sums (5, rows, columns) over squares of `side` blocks."""
    count, rows, columns = blocks.shape[0], blocks.shape[1] // side, blocks.shape[2] // side
    whole = blocks[:, : rows * side, : columns * side]
    tiles: NDArray[np.float32] = whole.reshape(count, rows, side, columns, side).sum(axis=(2, 4))
    return tiles
