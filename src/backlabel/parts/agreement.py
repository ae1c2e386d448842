"""Which rectangle of a JPEG shows a TIFF: a panel may show less than there would be room for."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.parts.features import reduced
from backlabel.parts.geometry import Box, Map, overlap

_PIXELS = 1_000_000  # of the JPEG that is looked at
_CELLS = 128  # along its longer side, about
_LEAST_CELL = 4  # pixels
_COARSE, _FINE = 5.0, 1.5  # pixels: what lies between these blurs is compared
_FLAT = 4.0  # variance, in squares of grey levels, of what says nothing
_ALIKE = 0.5  # correlation of cells
_LEAST_ALIKE = 0.1  # correlation of lines
_LEAST_KEPT, _MOST_KEPT = 0.25, 0.97  # of what there is room for: less is chance, more is all
_BORDER = 1  # pixels to the end of what there is room for, which count as none


def agreeing(tiff: GreyImage, jpeg: GreyImage, place: Map) -> Box:
    """The rectangle of `jpeg` outside of which it does not show `tiff`, which lies at `place`.

    It is the whole JPEG unless it shows clearly less than there is room for, and at least a
    quarter of that.
    """
    whole, small = Box.whole(jpeg.shape), reduced(jpeg, _PIXELS)
    shrink = np.array(small.shape[::-1]) / jpeg.shape[::-1]
    place = Map(np.diag([*shrink, 1.0])[:2]).after(place)
    room, corners = overlap(place, tiff.shape, Box.whole(small.shape))
    if room == 0:
        return whole
    low = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    high = np.ceil(corners.max(0)).astype(int)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    shown, inside = _shown(tiff, place, small.shape)
    shown, inside = shown[top:bottom, left:right], inside[top:bottom, left:right]
    there = small[top:bottom, left:right]
    rows, columns = _heaviest(*_votes(shown, inside, there))
    rows = _reach(shown[:, columns], there[:, columns], rows)
    columns = _reach(shown[rows].T, there[rows].T, columns)
    found = Box(
        left + columns.start, top + rows.start, columns.stop - columns.start, rows.stop - rows.start
    )
    if not _LEAST_KEPT <= overlap(place, tiff.shape, found)[0] / room <= _MOST_KEPT:
        return whole
    start, end = np.rint(found.corners[[0, 2]] / shrink).astype(int)
    start = np.where(found.corners[0] - low <= _BORDER, 0, start)
    end = np.where(high - found.corners[2] <= _BORDER, jpeg.shape[::-1], end)
    return Box(*start.tolist(), *(end - start).tolist())


def _shown(
    tiff: GreyImage, place: Map, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What an image of `shape` would show of the TIFF, and where it would show it (1)."""
    ours = reduced(tiff, max(1, round(tiff.size * min(1.0, place.scale) ** 2)))
    grow = np.array(tiff.shape[::-1]) / ours.shape[::-1]
    onto = place.after(Map(np.diag([*grow, 1.0])[:2])).to_centres()
    size = (shape[1], shape[0])
    shown = cv2.warpAffine(ours.astype(np.float32), onto, size, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(ours.shape, np.float32), onto, size)
    return np.asarray(shown, np.float32), np.asarray(inside, np.float32)


def _votes(
    shown: NDArray[np.float32], inside: NDArray[np.float32], jpeg: GreyImage
) -> tuple[NDArray[np.int64], int]:
    """For each cell 1 where both are alike, -1 where they differ, 0 for no say; the cells' side."""
    height, width = jpeg.shape
    cell = max(_LEAST_CELL, max(height, width) // _CELLS)
    ours, theirs = (
        cv2.GaussianBlur(one, (0, 0), _FINE) - cv2.GaussianBlur(one, (0, 0), _COARSE)
        for one in (shown, jpeg.astype(np.float32))
    )
    rows, columns = max(1, height // cell), max(1, width // cell)

    def mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
        wide = cv2.boxFilter(values, -1, (3 * cell, 3 * cell))
        even = wide[: rows * cell, : columns * cell]
        return np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))

    both = mean(ours * theirs)
    # A running sum of squares may end a rounding below zero where an image is flat.
    own, other = (np.maximum(mean(one * one), 0) for one in (ours, theirs))
    alike = np.abs(both) > _ALIKE * np.sqrt(own * other)
    speaks = (np.maximum(own, other) > _FLAT) & (mean(inside) > 1 - 1e-3)
    votes: NDArray[np.int64] = np.where(speaks, np.where(alike, 1, -1), 0)
    return votes, cell


def _heaviest(votes: NDArray[np.int64], cell: int) -> tuple[slice, slice]:
    """Rows and columns of pixels of the rectangle whose votes have the largest sum.

    Kadane's algorithm along the columns, for every pair of first and last row at once.
    """
    sums = np.vstack([np.zeros((1, votes.shape[1]), np.int64), votes.cumsum(0)])
    tops, bottoms = np.triu_indices(len(sums), 1)
    strips = sums[bottoms] - sums[tops]
    running, begun = np.zeros((2, len(tops)), np.int64)
    most, found = 0, (0, len(votes), 0, votes.shape[1])
    for column in range(votes.shape[1]):
        begun = np.where(running <= 0, column, begun)
        running = np.maximum(running, 0) + strips[:, column]
        best = int(running.argmax())
        if running[best] > most:
            most = int(running[best])
            found = (int(tops[best]), int(bottoms[best]), int(begun[best]), column + 1)
    top, bottom, left, right = (cell * side for side in found)
    return slice(top, bottom), slice(left, right)


def _reach(ours: NDArray[np.float32], theirs: NDArray[np.uint8], rows: slice) -> slice:
    """`rows` and those beside them that are half as alike at least.

    The cells were blurred: near a border they saw what stands beyond it. A row is not.
    """
    a, b = np.diff(ours), np.diff(theirs.astype(np.float32))
    alike = (a * b).sum(1) / np.sqrt(np.maximum((a * a).sum(1) * (b * b).sum(1), 1))
    least = max(float(np.median(alike[rows])) / 2, _LEAST_ALIKE)
    start, end = rows.start, rows.stop
    while start > 0 and alike[start - 1] > least:
        start -= 1
    while end < len(alike) and alike[end] > least:
        end += 1
    return slice(start, end)
