"""A TIFF at the pixels of a part of a JPEG, in the ways that a copy may have been made.

How the maker resampled is unknown, so that several ways are offered: the right one leaves nothing
unexplained, and a wrong one only looks like a worse copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple

import cv2
import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage, encoding
from backlabel.parts.geometry import Box, Map, Shape, corners_of

_BLOCK = 8  # pixels a side of a JPEG's blocks
_MOST_OFF = 0.3  # pixels at the end of a part, below which it is neither turned nor scaled
_MOST_SHIFT = 0.2  # pixels, from whole ones
_EXACT = 1e-6
_REDUCED = 0.95  # a scale below it averages pixels
_TURNINGS = encoding.Resampling.BICUBIC, encoding.Resampling.BILINEAR
_QUARTER = 90  # degrees


def common(place: Map, tiff: Shape, jpeg: Shape, window: Box) -> Box | None:
    """The largest rectangle of whole 8x8 blocks in `window` that shows nothing but the TIFF.

    There the JPEG's quantisation is that of the part alone, whatever stands beside it. At the right
    and the bottom the JPEG's last block may be cut. None where no block is left.
    """
    height, width = jpeg
    shown = np.zeros((height, width), np.uint8)
    corners = place(corners_of(tiff))
    inside = corners.mean(0) + (corners - corners.mean(0)) * _shrunk(corners)
    # Fixed point of 1/16 pixel, from centres; what is drawn half is left out below.
    cv2.fillConvexPoly(shown, np.rint((inside - 0.5) * 16).astype(np.int32), 1, shift=4)
    shown[: window.y], shown[:, : window.x] = 0, 0
    shown[window.y + window.height :], shown[:, window.x + window.width :] = 0, 0
    padded = np.pad(shown, ((0, -height % _BLOCK), (0, -width % _BLOCK)), mode="edge")
    blocks = padded.reshape(len(padded) // _BLOCK, _BLOCK, -1, _BLOCK).min((1, 3)) > 0
    found = largest_rectangle(blocks)
    if found is None:
        return None
    top, left, bottom, right = (side * _BLOCK for side in found)
    return Box(left, top, min(right, width) - left, min(bottom, height) - top)


def _shrunk(corners: NDArray[np.float64]) -> float:
    """A factor that takes a pixel off every side: it may be mixed with what stands beside."""
    return 1 - 0.6 / max(float(np.ptp(corners, axis=0).min()) / 2, 1.0)


def largest_rectangle(cells: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right (exclusive) of the largest rectangle of true cells, or None."""
    best, found = 0, None
    depth = np.zeros(cells.shape[1] + 1, int)  # true cells above, and a wall at the end
    for row, line in enumerate(cells):
        depth[:-1] = np.where(line, depth[:-1] + 1, 0)
        begun: list[tuple[int, int]] = []  # column and depth of rectangles that are still open
        for column, high in enumerate(depth.tolist()):
            start = column
            while begun and begun[-1][1] >= high:
                start, tall = begun.pop()
                if tall * (column - start) > best:
                    best = tall * (column - start)
                    found = (row + 1 - tall, start, row + 1, column)
            begun.append((start, high))
    return found


def upright(tiff: GreyImage, place: Map) -> tuple[GreyImage, Map]:
    """The TIFF mirrored and turned by right angles as in the JPEG, and the map that remains."""
    if place.is_mirrored:
        width = tiff.shape[1]
        tiff = tiff[:, ::-1]
        place = place.after(Map(np.array([[-1.0, 0, width], [0, 1, 0]])))
    for _ in range(round(place.angle / _QUARTER) % 4):
        width = tiff.shape[1]
        tiff = np.rot90(tiff)
        # A point of the turned TIFF, back in the one before.
        place = place.after(Map(np.array([[0.0, -1, width], [1, 0, 0]])))
    return np.ascontiguousarray(tiff), place


def is_straight(place: Map, box: Box) -> bool:
    """Whether nothing is turned by more than a fraction of a pixel within `box`."""
    slant = np.abs([place.matrix[0, 1] / place.scales[1], place.matrix[1, 0] / place.scales[0]])
    return bool((slant * [box.height, box.width] < _MOST_OFF).all())


def settled(place: Map, box: Box) -> Map:
    """`place` without what is no more than the error of its estimate within `box`.

    What is turned by a fraction of a pixel is not turned; what is scaled by as much is not scaled,
    and then lies at whole pixels if it nearly does.
    """
    if not is_straight(place, box):
        return place
    (left, top), (right, bottom) = place.inverse()(box.corners)[[0, 2]]
    scale = np.array([box.width, box.height]) / [right - left, bottom - top]
    start = np.array([left, top])
    if (
        np.abs([box.width / scale[0] - box.width, box.height / scale[1] - box.height]).max()
        < 2 * _MOST_OFF
    ):
        start += (np.array([box.width, box.height]) / scale - [box.width, box.height]) / 2
        scale = np.ones(2)
        start = np.where(np.abs(start - np.rint(start)) < _MOST_SHIFT, np.rint(start), start)
    shift = np.array([box.x, box.y]) - scale * start
    return Map(np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]]]))


def renderings(tiff: GreyImage, place: Map, box: Box) -> Iterator[GreyImage]:
    """What `box` of the JPEG would show of the TIFF (`upright`), resampled in several ways.

    `place` is `settled`. Where it shows the TIFF's pixels as they are, there is only one way.
    """
    if not is_straight(place, box):
        yield from _turned(tiff, place, box)
        return
    start, end = place.inverse()(box.corners)[[0, 2]]
    whole = Box(*np.rint([*start, *(end - start)]).astype(int).tolist())
    if np.abs([*start, *(end - start)] - np.array(astuple(whole))).max() < _EXACT and (
        (whole.width, whole.height) == (box.width, box.height)
    ):
        yield whole.of(tiff)
        return
    limits = np.array(tiff.shape[::-1], float)
    (left, top), (right, bottom) = np.clip([start, end], 0, limits).tolist()
    for resampling in encoding.RESAMPLINGS:
        yield encoding.resized(tiff, box.height, box.width, resampling, (left, top, right, bottom))


def _turned(tiff: GreyImage, place: Map, box: Box) -> Iterator[GreyImage]:
    onto = Map(np.array([[1.0, 0, -box.x], [0, 1, -box.y]])).after(place)
    if place.scale < _REDUCED:
        yield from _turned_and_reduced(tiff, onto, box)
        height, width = (max(1, round(size * place.scale)) for size in tiff.shape)
        factors = np.array(tiff.shape[::-1]) / [width, height]
        tiff = encoding.resized(tiff, height, width)
        onto = onto.after(Map(np.array([[factors[0], 0, 0], [0, factors[1], 0]])))
    for resampling in _TURNINGS:
        yield encoding.warped(tiff, box.height, box.width, onto.inverse().matrix, resampling)
    yield np.asarray(
        cv2.warpAffine(
            tiff,
            onto.to_centres(),
            (box.width, box.height),
            flags=cv2.INTER_LANCZOS4,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def _turned_and_reduced(tiff: GreyImage, onto: Map, box: Box) -> Iterator[GreyImage]:
    """Turned in the TIFF's own scale, and reduced then."""
    height, width = (max(1, round(size / onto.scale)) for size in (box.height, box.width))
    reduce = Map(np.array([[box.width / width, 0.0, 0.0], [0.0, box.height / height, 0.0]]))
    back = onto.inverse().after(reduce).matrix
    for resampling in _TURNINGS:
        large = encoding.warped(tiff, height, width, back, resampling)
        yield encoding.resized(large, box.height, box.width)
