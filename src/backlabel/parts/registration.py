"""Where a JPEG shows a TIFF, to a fraction of a pixel, and the scores of what both show."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backlabel.images import GreyImage, encoding
from backlabel.matching import scores
from backlabel.matching.evidence import Scores
from backlabel.matching.scores import FAST, Measures, Registered
from backlabel.matching.verify import ENOUGH, at_once
from backlabel.parts.agreement import agreeing
from backlabel.parts.features import Features, inverted, mirrored, reduced
from backlabel.parts.geometry import Box, Map, Shape, corners_of, fit
from backlabel.parts.rendering import common, is_straight, renderings, settled, upright

_LEAST_SIDE = 64  # pixels of the JPEG; less is too little to tell a copy by
_PIXELS = 300_000  # of the images that are aligned
_STEPS, _GAIN = 40, 1e-5  # at most, and the least gain of correlation for another one
_BLUR = 5  # pixels, of ECC's own filter
_FINE = 1.0  # pixels of the blur whose residue tells ways of resampling apart
_MOST_OFF_PIXELS = 0.3  # of the TIFF, by which a cut may seem to lie beside them
_SAYS_SOMETHING = 0.2  # explained share; less is chance, and looks decide
_FURTHEST = 0.02  # of the part's side, that the alignment may move it
_NEARLY_WHOLE = 0.01  # of the JPEG's side at the corners: both may show the whole picture


@dataclass(frozen=True)
class Rough:
    """A place on which features agree, to a pixel or so."""

    place: Map
    """From the TIFF's pixels to the JPEG's."""
    inverted: bool
    """What is bright in the TIFF is dark in the JPEG."""


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
    found = place(Features.of(tiff), Features.of(jpeg))
    return None if found is None else scored(tiff, jpeg, table, found, measures)


def place(tiff: Features, jpeg: Features) -> Rough | None:
    """Where a JPEG shows a TIFF by the features of both; None if nowhere.

    Of the ways to turn a picture over the one that most features agree on: many things that are
    made are nearly symmetric.
    """
    most, best = 0, None
    for is_inverted, mirror in itertools.product((False, True), repeat=2):
        descriptors = inverted(tiff.descriptors) if is_inverted else tiff.descriptors
        descriptors = mirrored(descriptors) if mirror else descriptors
        found = fit(replace(tiff, descriptors=descriptors), jpeg, mirror=mirror)
        if found is not None and found[0] > most:
            most, best = found[0], Rough(found[1], is_inverted)
    return best


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
    tiff: GreyImage, jpeg: GreyImage, table: encoding.Table | None, rough: Rough, measures: Measures
) -> Part | None:
    """The part at about `rough`, to a fraction of a pixel; None where too little of it is shown."""
    where = rough.place
    tiff = 255 - tiff if rough.inverted else tiff
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
    shapes = turned.shape, jpeg.shape
    likely = (*_cut_at_pixels(better, *shapes), settled(better, again), *_whole(better, *shapes))
    tried = [(one, image) for one in likely for image in renderings(turned, one, again)]
    best, found = _likeliest(tried, shown, table)
    place_found = best.after(before.inverse()).after(where)
    # What was compared begins at a block of 8x8 pixels: the quantisation lies where it lay.
    known = scores.score(Registered(found, shown, best.scale), table, "uniform", measures)
    if rough.inverted:
        known = replace(known, degradation=f"inverted, {known.degradation}")
    return Part(place_found, window, again, known)


def _cut_at_pixels(place: Map, tiff: Shape, jpeg: Shape) -> Iterator[Map]:
    """The map by which the JPEG shows whole pixels of the TIFF, where `place` is nearly that.

    Who cuts a picture cuts at its pixels, before it is scaled. What is not scaled is `settled`.
    """
    all_of_it = Box.whole(jpeg)
    ends = place.inverse()(all_of_it.corners)[[0, 2]]
    (left, top), (right, bottom) = whole = np.rint(ends)
    is_inside = min(left, top) >= 0 and right <= tiff[1] and bottom <= tiff[0]
    is_scaled = (right - left, bottom - top) != (all_of_it.width, all_of_it.height)
    is_near = np.abs(ends - whole).max() <= _MOST_OFF_PIXELS and is_straight(place, all_of_it)
    if is_inside and is_scaled and is_near:
        across, down = all_of_it.width / (right - left), all_of_it.height / (bottom - top)
        yield Map(np.array([[across, 0.0, -across * left], [0.0, down, -down * top]]))


def _whole(place: Map, tiff: Shape, jpeg: Shape) -> Iterator[Map]:
    """The map of the whole TIFF onto the whole JPEG, where `place` is nearly that.

    Where grey values were changed from place to place, the alignment is off by a pixel or so.
    """
    (height, width), (rows, columns) = tiff, jpeg
    exact = Map(np.array([[columns / width, 0.0, 0.0], [0.0, rows / height, 0.0]]))
    corners = corners_of(tiff)
    if np.abs(exact(corners) - place(corners)).max() <= _NEARLY_WHOLE * max(jpeg):
        yield exact


def _likeliest(
    tried: Sequence[tuple[Map, GreyImage]], shown: GreyImage, table: encoding.Table | None
) -> tuple[Map, GreyImage]:
    """The rendering that explains what is shown, or, where none does, looks most like it.

    A softer one often looks more like a JPEG that lost its noise.
    """
    if len(tried) == 1:
        return tried[0]
    best, most = tried[0], (-1.0, -1.0)
    for one in tried:
        share = at_once(one[1], shown, table, one[0].scale)
        if share >= ENOUGH:
            return one
        rank = share if share >= _SAYS_SOMETHING else 0.0, likeness(one[1], shown)
        if rank > most:
            best, most = one, rank
    return best


def likeness(image: GreyImage, other: GreyImage, blur: float = _FINE) -> float:
    """Correlation of what a blur leaves over, for two images of one shape; 0 where one is flat."""
    a, b = (
        one - cv2.GaussianBlur(one, (0, 0), blur)
        for one in (image.astype(np.float32), other.astype(np.float32))
    )
    return float(cv2.matchTemplate(a, b, cv2.TM_CCOEFF_NORMED)[0, 0])


def _large_enough(box: Box | None) -> Box | None:
    return box if box and min(box.width, box.height) >= _LEAST_SIDE else None
