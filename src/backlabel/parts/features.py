"""Local features of an image: points that are found again in a part of it, and what they look like.

They are SIFT's (Lowe 2004) by OpenCV, described as RootSIFT (Arandjelović and Zisserman 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage

Descriptors = NDArray[np.uint8]
"""(n, 128), their squares sum to about 512 x 512."""

DIMENSIONS = 128
KEPT = 500
"""Features of an image at most."""
_PIXELS = 200_000  # a larger image is reduced to this area: more finds no more, in twice the time
_CONTRASTS = 0.01, 0.001  # of a point, at least; the usual is 0.04, the last is for faint fields
_CELLS = 6  # a side; a databar fills one row of them and no more
_LARGE = 4.0  # pixels across
_NORM = 512.0
_HEAD = 2 * 4  # bytes of the shape, where features are encoded
_ROWS, _COLUMNS, _BINS = 4, 4, 8  # of a descriptor: cells across and along its direction


@dataclass(frozen=True)
class Features:
    """Points of an image with their descriptors.

    The strongest of every region come first, large ones and small ones in turn.
    """

    points: NDArray[np.float32]
    """(n, 2), x and y in pixels of the image from its top left corner."""
    descriptors: Descriptors
    shape: tuple[int, int]
    """(H, W) of the image; of a mosaic, as it is read."""

    @classmethod
    def of(cls, grey: GreyImage) -> Self:
        """The features of `grey` (H, W), up to `KEPT`."""
        small = reduced(grey, _PIXELS)
        for contrast in _CONTRASTS:
            finder = cv2.SIFT.create(
                contrastThreshold=contrast,
                enable_precise_upscale=True,  # else points lie a quarter of a pixel off
            )
            found = finder.detect(small)
            if len(found) >= KEPT:
                break
        if found:
            kept = _chosen(found, small.shape)
            found, raw = finder.compute(small, [found[i] for i in kept])
        height, width = grey.shape
        if not found:
            nothing = np.empty((0, DIMENSIONS), np.uint8)
            return cls(np.empty((0, 2), np.float32), nothing, (height, width))
        points = np.array([one.pt for one in found], np.float32) + np.float32(0.5)
        scale = np.array([width, height], np.float32) / np.array(small.shape[::-1], np.float32)
        descriptors = _rooted(np.asarray(raw, np.float32))
        return cls((points * scale).astype(np.float32), descriptors, (height, width))

    def encoded(self) -> bytes:
        """Bytes of which `decoded` makes the features again."""
        shape = np.array(self.shape, "<u4").tobytes()
        return shape + self.points.astype("<f4").tobytes() + self.descriptors.tobytes()

    @classmethod
    def decoded(cls, raw: bytes) -> Self:
        """The features that `encoded` gave."""
        count = cls.count(len(raw))
        height, width = np.frombuffer(raw, "<u4", 2).tolist()
        points = np.frombuffer(raw, "<f4", 2 * count, _HEAD).reshape(-1, 2)
        begin = _HEAD + 2 * 4 * count
        descriptors = np.frombuffer(raw, np.uint8, offset=begin).reshape(-1, DIMENSIONS)
        return cls(points, descriptors, (height, width))

    @staticmethod
    def count(size: int) -> int:
        """How many features `encoded` gives in `size` bytes."""
        return (size - _HEAD) // (2 * 4 + DIMENSIONS)


def mirrored(descriptors: Descriptors) -> Descriptors:
    """The descriptors of the same points in the mirrored image.

    Across a point's direction left and right change places, and angles change their sign.
    """
    cells = descriptors.reshape(-1, _ROWS, _COLUMNS, _BINS)[:, ::-1]
    return np.ascontiguousarray(np.roll(cells[..., ::-1], 1, axis=-1)).reshape(-1, DIMENSIONS)


def inverted(descriptors: Descriptors) -> Descriptors:
    """The descriptors of the same points in the inverted image.

    A point's direction turns round, and so does the order of its cells; angles to it stay.
    """
    cells = descriptors.reshape(-1, _ROWS, _COLUMNS, _BINS)[:, ::-1, ::-1]
    return np.ascontiguousarray(cells).reshape(-1, DIMENSIONS)


def reduced(grey: GreyImage, pixels: int) -> GreyImage:
    """`grey` with at most `pixels` pixels, by averaging."""
    factor = min(1.0, (pixels / grey.size) ** 0.5)
    if factor == 1:
        return grey
    size = [max(1, round(side * factor)) for side in grey.shape[::-1]]
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _chosen(found: Sequence[cv2.KeyPoint], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The strongest point of every cell, then the second of every cell, and so on.

    Half of the places are for large points: noise makes small ones by the thousand, which a
    reduced copy does not have.
    """
    points = np.array([one.pt for one in found], np.float32)
    strength = np.array([one.response for one in found])
    is_large = np.array([one.size for one in found]) >= _LARGE
    side = np.array(shape[::-1], np.float32) / _CELLS
    column, row = np.minimum(points // side, _CELLS - 1).astype(np.intp).T
    group = (row * _CELLS + column) * 2 + is_large
    by_group = np.lexsort((-strength, group))
    ranks = np.empty(len(found), np.intp)
    ranks[by_group] = np.arange(len(found)) - np.searchsorted(group[by_group], group[by_group])
    order = np.lexsort((-strength, ranks))
    turn = np.empty(len(found), np.intp)  # of a point among those of its own size
    for one in (order[is_large[order]], order[~is_large[order]]):
        turn[one] = np.arange(len(one))
    return np.lexsort((~is_large, turn))[:KEPT]


def _rooted(raw: NDArray[np.float32]) -> Descriptors:
    total = np.maximum(raw.sum(axis=1, keepdims=True), 1)
    rooted: Descriptors = np.minimum(np.rint(np.sqrt(raw / total) * _NORM), 255).astype(np.uint8)
    return rooted
