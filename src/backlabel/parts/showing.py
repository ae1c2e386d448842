"""A TIFF laid onto the part of a JPEG that shows it, for people to look at.

A table has a part's scale, angle and the boxes around what both show. That gives its place to a
pixel or so; the pictures themselves give the rest.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage, encoding
from backlabel.matching.evidence import Placement
from backlabel.parts.geometry import Box, Map, Shape, overlap
from backlabel.parts.registration import aligned, likeness
from backlabel.parts.rendering import common, renderings, upright

_COARSE = 16.0  # pixels of a blur; what it leaves over is alike where places are a pixel off
_ROUNDS = 30  # of the shift, which is settled to a thousandth of a pixel after some ten


def laid_on(tiff: GreyImage, jpeg: GreyImage, part: Placement) -> tuple[GreyImage, GreyImage]:
    """The TIFF turned and scaled as in `part.jpeg_box`, and that box, both of one shape.

    No pixel of the finer one is lost. Where the box shows more than the TIFF, the TIFF is black. It
    is inverted where the JPEG is.
    """
    box = Box(*part.jpeg_box)
    turned, rest = upright(tiff, place_of(part, tiff.shape))
    inside = common(rest, turned.shape, jpeg.shape, box)
    if inside is not None:
        there = next(iter(renderings(turned, rest, inside)))
        if likeness(there, inside.of(jpeg), _COARSE) < 0:
            turned = 255 - turned
        rest = aligned(turned, jpeg, rest, inside)
    grow = max(1.0, 1 / part.scale)
    height, width = round(box.height * grow), round(box.width * grow)
    to_jpeg = Map(np.array([[box.width / width, 0.0, box.x], [0.0, box.height / height, box.y]]))
    back = rest.inverse().after(to_jpeg).matrix
    ours = encoding.warped(turned, height, width, back, encoding.Resampling.BICUBIC)
    return ours, encoding.resized(box.of(jpeg), height, width)


def place_of(part: Placement, tiff: Shape) -> Map:
    """From the pixels of a TIFF (of shape `tiff`) to those of a JPEG, by what the tables say.

    Scale, angle and mirroring are its linear part A. Let p be the centre of the box around what
    both show in the JPEG, and q that in the TIFF. Where what both show is symmetric, as a whole
    image is, the shift is p - A q. Elsewhere p - A q differs from the shift by what it does for any
    nearly right one, which is taken off until nothing changes. Where every side of both cuts off a
    corner of the other, the boxes say no more than that the centres lie near each other.
    """
    cos, sin = (part.scale * turn(math.radians(part.angle)) for turn in (math.cos, math.sin))
    mirror = -1 if part.mirrored else 1
    linear = np.array([[mirror * cos, sin], [-mirror * sin, cos]])
    wanted = _centre(part.jpeg_box) - linear @ _centre(part.tiff_box)
    shift = wanted
    for _ in range(_ROUNDS):
        place = Map(np.column_stack([linear, shift]))
        shown = overlap(place, tiff, Box(*part.jpeg_box))[1]
        if not len(shown):
            break
        found = _middle(shown) - linear @ _middle(place.inverse()(shown))
        shift = shift + wanted - found
    return Map(np.column_stack([linear, shift]))


def _centre(box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    left, top, width, height = box
    return np.array([left + width / 2, top + height / 2])


def _middle(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centre of the box around them."""
    middle: NDArray[np.float64] = (points.min(0) + points.max(0)) / 2
    return middle
