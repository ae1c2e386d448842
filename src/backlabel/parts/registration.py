"""Where a JPEG shows a TIFF, to a fraction of a pixel, and the scores of what both show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from backlabel.images import GreyImage, encoding
from backlabel.matching import scores
from backlabel.matching.evidence import Scores
from backlabel.matching.scores import FAST, Measures, Registered
from backlabel.parts.agreement import agreeing
from backlabel.parts.features import Features, reduced
from backlabel.parts.geometry import Box, Map, Shape, corners_of, fit
from backlabel.parts.rendering import common, renderings, settled, upright

_LEAST_SIDE = 64  # pixels of the JPEG; less is too little to tell a copy by
_PIXELS = 300_000  # of the images that are aligned
_STEPS, _GAIN = 40, 1e-5  # at most, and the least gain of correlation for another one
_BLUR = 5  # pixels, of ECC's own filter
_FINE = 1.0  # pixels of the blur whose residue tells ways of resampling apart
_FURTHEST = 0.02  # of the part's side, that the alignment may move it
_NEARLY_WHOLE = 0.01  # of the JPEG's side at the corners: both may show the whole picture


@dataclass(frozen=True)
class Part:
    """A part that was found."""

    place: Map
    """From the TIFF's pixels to the JPEG's."""
    window: Box
    """Of the JPEG: outside of it nothing shows the TIFF."""
    box: Box
    """Of the JPEG: what was compared, whole blocks of 8x8 pixels that show the TIFF alone."""
    scores: Scores


def find(
    tiff: GreyImage,
    jpeg: GreyImage,
    table: encoding.Table | None,
    measures: Measures = FAST,
) -> Part | None:
    """The part of `tiff` that `jpeg` shows; None where no place for it is found.

    `table` is the JPEG's quantisation. Whether the JPEG is a copy is not said: that is for whoever
    reads the scores.
    """
    found = place((Features.of(tiff), Features.of(jpeg)), (tiff.shape, jpeg.shape))
    return None if found is None else scored(tiff, jpeg, table, found, measures)


def place(features: tuple[Features, Features], shapes: tuple[Shape, Shape]) -> Map | None:
    """Where a JPEG shows a TIFF by the features of both, to a pixel or so; None if nowhere."""
    for mirror in (False, True):
        found = fit(*features, shapes, mirror=mirror)
        if found is not None:
            return found
    return None


def verify(
    rendered: GreyImage, jpeg: GreyImage, table: encoding.Table | None, measures: Measures = FAST
) -> Scores:
    """The scores of a part of a JPEG and the TIFF at the same pixels.

    `jpeg` begins at a block of 8x8 pixels, so that the quantisation `table` lies where it lay.
    """
    pair = Registered(rendered, jpeg)
    return scores.score(pair, table, "uniform", measures)


def aligned(tiff: GreyImage, jpeg: GreyImage, where: Map, box: Box) -> Map:
    """`where` moved so that the correlation in `box` becomes largest (ECC, Evangelidis 2008).

    `tiff` is upright. The same place where that leads nowhere.
    """
    shown, ours = box.of(jpeg), next(iter(renderings(tiff, where, box)))
    small, other = (reduced(image, _PIXELS).astype(np.float32) for image in (shown, ours))
    factor = np.array(small.shape[::-1]) / np.array(shown.shape[::-1])
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _GAIN)
    start = np.eye(2, 3, dtype=np.float32)
    everywhere = np.full(other.shape, 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            small, other, start, cv2.MOTION_AFFINE, criteria, everywhere, _BLUR
        )
    except cv2.error:  # it does not converge: the images are too different, or flat
        return where
    moved = np.abs(found - np.eye(2, 3)) @ [other.shape[1], other.shape[0], 1.0]
    if (moved > _FURTHEST * max(other.shape)).any():
        return where
    # ECC's matrix takes the JPEG's pixels to those of the rendering; we want the way back.
    here = Map(np.array([[1.0, 0, box.x], [0, 1, box.y]]))
    grow = Map(np.array([[1 / factor[0], 0, 0], [0, 1 / factor[1], 0]]))
    step = Map.of_centres(np.asarray(found, np.float64)).inverse()
    change = here.after(grow).after(step).after(grow.inverse()).after(here.inverse())
    return change.after(where)


def scored(
    tiff: GreyImage, jpeg: GreyImage, table: encoding.Table | None, where: Map, measures: Measures
) -> Part | None:
    """The part at about `where`, to a fraction of a pixel; None where too little of it is shown."""
    window = agreeing(tiff, jpeg, where)
    turned, rest = upright(tiff, where)
    box = _large_enough(common(rest, turned.shape, jpeg.shape, window))
    if box is None:
        return None
    rest, before = settled(rest, box), rest
    better = aligned(turned, jpeg, rest, box)
    again = _large_enough(common(better, turned.shape, jpeg.shape, window))
    if again is None:
        return None
    shown = again.of(jpeg)
    likely = (settled(better, again), *_whole(better, turned.shape, jpeg.shape))
    best, found = max(
        ((one, image) for one in likely for image in renderings(turned, one, again)),
        key=lambda tried: _likeness(tried[1], shown),
    )
    place_found = best.after(before.inverse()).after(where)
    return Part(place_found, window, again, verify(found, shown, table, measures))


def _whole(place: Map, tiff: Shape, jpeg: Shape) -> Iterator[Map]:
    """The map of the whole TIFF onto the whole JPEG, where `place` is nearly that.

    Where grey values were changed from place to place, the alignment is off by a pixel or so.
    """
    (height, width), (rows, columns) = tiff, jpeg
    exact = Map(np.array([[columns / width, 0.0, 0.0], [0.0, rows / height, 0.0]]))
    corners = corners_of(tiff)
    if np.abs(exact(corners) - place(corners)).max() <= _NEARLY_WHOLE * max(jpeg):
        yield exact


def _likeness(image: GreyImage, other: GreyImage) -> float:
    """Correlation of what a blur leaves over, for two images of one shape; 0 where one is flat."""
    a, b = (
        one - cv2.GaussianBlur(one, (0, 0), _FINE)
        for one in (image.astype(np.float32), other.astype(np.float32))
    )
    return float(cv2.matchTemplate(a, b, cv2.TM_CCOEFF_NORMED)[0, 0])


def _large_enough(box: Box | None) -> Box | None:
    return box if box and min(box.width, box.height) >= _LEAST_SIDE else None
