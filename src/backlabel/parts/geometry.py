"""Where a JPEG shows a TIFF: an affine map from the one's pixels to the other's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.parts.features import Features

Shape = tuple[int, ...]
Points = NDArray[np.floating]
"""(n, 2), x and y in pixels from an image's top left corner."""

_RATIO = 0.85  # nearest over second nearest descriptor; Lowe 2004 has 0.8
_LEAST_MATCHES = 8  # that agree on one map: chance reaches 5 of 500
_TOLERANCE = 0.004  # of the JPEG's side, from where a point should lie
_ITERATIONS = 5000
_CONFIDENCE = 0.999
_MOST_STRETCH = 1.6  # of one axis against the other
_MOST_SHEAR = 0.06  # cosine of the angle between the axes
_MOST_SCALE = 12.0
_LEAST_CONTAINED = 0.5  # of the TIFF or of the JPEG: a copy shows a part, or lies in a figure
_CELLS = 4  # a side, over the overlap
_LEAST_IN_CELL = 2  # features of each image, for matches to be expected there
_LEAST_SPREAD = 0.4  # share of those cells with a match: a databar alone reaches 0.25


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def whole(cls, shape: Shape) -> Self:
        """All of an image of `shape` (H, W)."""
        return cls(0, 0, shape[1], shape[0])

    def of(self, image: GreyImage) -> GreyImage:
        """The pixels of `image` in it."""
        return np.ascontiguousarray(
            image[self.y : self.y + self.height, self.x : self.x + self.width]
        )

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2), in order around it."""
        left, top = float(self.x), float(self.y)
        right, bottom = left + self.width, top + self.height
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])

    def __str__(self) -> str:
        return f"{self.x} {self.y} {self.width} {self.height}"


@dataclass(frozen=True)
class Map:
    """`matrix` (2, 3) takes x and y in the TIFF to those in the JPEG, from the corners."""

    matrix: NDArray[np.float64]

    def __call__(self, points: Points) -> NDArray[np.float64]:
        """The places in the JPEG of points (n, 2) of the TIFF."""
        moved: NDArray[np.float64] = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved

    def inverse(self) -> Map:
        """From the JPEG to the TIFF."""
        return Map(np.asarray(cv2.invertAffineTransform(self.matrix), np.float64))

    def after(self, first: Map) -> Map:
        """This map after `first`."""
        return Map(_square(self.matrix).dot(_square(first.matrix))[:2])

    @classmethod
    def of_centres(cls, matrix: NDArray[np.floating]) -> Self:
        """From a matrix as OpenCV has it, which puts the first pixel's centre at 0."""
        found: NDArray[np.float64] = np.array(matrix, np.float64)
        found[:, 2] += 0.5 - found[:, :2] @ [0.5, 0.5]
        return cls(found)

    def to_centres(self) -> NDArray[np.float64]:
        """The matrix as OpenCV has it."""
        found = self.matrix.copy()
        found[:, 2] += found[:, :2] @ [0.5, 0.5] - 0.5
        return found

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right change places."""
        return self._determinant < 0

    @property
    def scales(self) -> tuple[float, float]:
        """Pixels of the JPEG for one of the TIFF, along the TIFF's rows and its columns."""
        x, y = np.linalg.norm(self.matrix[:, :2], axis=0)
        return float(x), float(y)

    @property
    def scale(self) -> float:
        """The geometric mean of `scales`."""
        return math.sqrt(abs(self._determinant))

    @property
    def angle(self) -> float:
        """Degrees, counter-clockwise, -180 to 180, by which the TIFF is turned in the JPEG.

        After it was mirrored left to right, where it is.
        """
        x, y = self.matrix[:, 0] * (-1 if self.is_mirrored else 1)
        return -math.degrees(math.atan2(y, x))

    @property
    def is_sane(self) -> bool:
        """Whether nothing is sheared or greatly stretched, as by a chance agreement of points."""
        x, y = self.scales
        if not 0 < min(x, y) <= max(x, y) <= _MOST_STRETCH * min(x, y):
            return False
        shear = abs(float(self.matrix[:, 0] @ self.matrix[:, 1])) / (x * y)
        return shear <= _MOST_SHEAR and 1 / _MOST_SCALE <= self.scale <= _MOST_SCALE

    @property
    def _determinant(self) -> float:
        return float(np.linalg.det(self.matrix[:, :2]))


def fit(tiff: Features, jpeg: Features, *, mirror: bool) -> tuple[int, Map] | None:
    """How many features of both agree on a map, and the map.

    None where too few do, or all in one corner. `mirror` says that the TIFF's descriptors are those
    of its mirrored image.
    """
    rows, columns = _matches(tiff.descriptors, jpeg.descriptors)
    if len(rows) < _LEAST_MATCHES:
        return None
    start, end = tiff.points[rows], jpeg.points[columns]
    matrix, inliers = cv2.estimateAffine2D(
        start,
        end,
        method=cv2.USAC_MAGSAC,
        ransacReprojThreshold=max(2.0, _TOLERANCE * max(jpeg.shape)),
        maxIters=_ITERATIONS,
        confidence=_CONFIDENCE,
    )
    if matrix is None:
        return None
    agree = inliers.ravel().astype(bool)
    found = Map(np.asarray(matrix, np.float64))
    if agree.sum() < _LEAST_MATCHES or not found.is_sane or found.is_mirrored is not mirror:
        return None
    if max(shares(found, (tiff.shape, jpeg.shape), Box.whole(jpeg.shape))) < _LEAST_CONTAINED:
        return None
    if not _is_spread(found, tiff, jpeg, end[agree]):
        return None
    return int(agree.sum()), found


def _matches(
    ours: NDArray[np.uint8], theirs: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of both that are each other's nearest, and clearly nearer than the next."""
    empty = np.empty(0, np.intp)
    if len(ours) < 2 or len(theirs) < 2:  # noqa: PLR2004 - a second is compared with
        return empty, empty
    a, b = ours.astype(np.float32), theirs.astype(np.float32)
    far = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    two = np.partition(far, 1, axis=1)[:, :2]
    nearest, back = far.argmin(1), far.argmin(0)
    good = (back[nearest] == np.arange(len(a))) & (two[:, 0] < _RATIO**2 * two[:, 1])
    return np.flatnonzero(good), nearest[good]


def _is_spread(found: Map, tiff: Features, jpeg: Features, matched: Points) -> bool:
    """Whether the matches lie all over what both show, wherever both have features."""
    corners = np.clip(found(corners_of(tiff.shape)), 0, jpeg.shape[::-1])
    low, high = corners.min(0), corners.max(0)
    side = np.maximum(high - low, 1) / _CELLS

    def counts(points: Points) -> NDArray[np.intp]:
        inside = points[((points >= low) & (points < high)).all(1)]
        column, row = np.minimum((inside - low) // side, _CELLS - 1).astype(np.intp).T
        return np.bincount(row * _CELLS + column, minlength=_CELLS**2)

    back = found.inverse()(jpeg.points)
    common = jpeg.points[((back >= 0) & (back < tiff.shape[::-1])).all(1)]
    both = np.minimum(counts(found(tiff.points)), counts(common))
    expected = both >= _LEAST_IN_CELL
    hit = counts(matched) > 0
    return bool((hit & expected).sum() >= max(2, _LEAST_SPREAD * expected.sum()))


def shares(place: Map, shapes: tuple[Shape, Shape], window: Box) -> tuple[float, float]:
    """How much of the TIFF and of the JPEG (of `shapes`) `window` shows, from 0 to 1 each."""
    (height, width), (rows, columns) = shapes
    area = overlap(place, shapes[0], window)[0]
    ours, theirs = area / place.scale**2 / (height * width), area / (rows * columns)
    return min(ours, 1.0), min(theirs, 1.0)


def overlap(place: Map, tiff: Shape, window: Box) -> tuple[float, NDArray[np.float64]]:
    """Area and corners (n, 2), in pixels of the JPEG, of what its `window` shows of a TIFF.

    By Sutherland and Hodgman 1974. OpenCV's `intersectConvexConvex` (5.0) gives the
    larger of two rectangles where two of their sides nearly coincide, as those of a quadrant do.
    """
    corners = place(corners_of(tiff))
    (left, top), (right, bottom) = window.corners[[0, 2]].tolist()
    for axis, sign, limit in ((0, 1, left), (0, -1, -right), (1, 1, top), (1, -1, -bottom)):
        inside = sign * corners[:, axis] - limit
        kept: list[NDArray[np.float64]] = []
        for i, (here, depth) in enumerate(zip(corners, inside, strict=True)):
            before, other = corners[i - 1], inside[i - 1]
            if depth * other < 0:
                kept.append(before + (here - before) * other / (other - depth))
            if depth >= 0:
                kept.append(here)
        corners = np.array(kept).reshape(-1, 2)
    return float(cv2.contourArea(corners.astype(np.float32))) if len(corners) else 0.0, corners


def corners_of(shape: Shape) -> NDArray[np.float64]:
    """The corners (4, 2) of an image of `shape` (H, W), in order around it."""
    height, width = shape
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def _square(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])
