"""A part is shown as it lies in the JPEG."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import workspace
from backlabel.matching.evidence import Scores
from backlabel.parts import finder, showing
from backlabel.parts.geometry import Box, Map
from backlabel.parts.registration import Part

TIFF = workspace.picture(3, height=300, width=400)
JPEG_SHAPE = (260, 320)
CASES = {
    "cut": (0.0, 1.0, False, (9, -6)),
    "turned a little": (7.3, 1.0, False, (9, -6)),
    "turned, reduced, whole": (-38.0, 0.4, False, (9, -6)),
    "turned, beyond two sides": (-38.0, 0.4, False, (120, 80)),
    "mirrored, upside down, enlarged": (171.0, 1.6, True, (9, -6)),
}


def truth(angle, scale, mirrored, shift):
    """The TIFF about its centre to beside the JPEG's, as `Map` has angle and mirroring."""
    cos, sin = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    mirror = -1 if mirrored else 1
    linear = np.array([[mirror * cos, sin], [-mirror * sin, cos]])
    centre = np.array(JPEG_SHAPE[::-1]) / 2 + shift
    return Map(np.column_stack([linear, centre - linear @ [200, 150]]))


def whole(where):
    """A part that ends where TIFF or JPEG end."""
    window = Box.whole(JPEG_SHAPE)
    return Part(where, window, window, Scores(None))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_place_is_found_again_from_the_table(case):
    where = truth(*case)
    part = finder.placement(whole(where), TIFF.shape, JPEG_SHAPE)
    found = showing.place_of(part, TIFF.shape)
    assert np.abs(found.matrix - where.matrix).max() < 1.5  # boxes are in whole pixels


@pytest.mark.parametrize("is_inverted", [False, True])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_show_the_same(case, is_inverted):
    where = truth(*case)
    back = where.inverse().matrix
    image = Image.fromarray(TIFF)
    size = JPEG_SHAPE[::-1]
    jpeg = np.asarray(
        image.transform(size, Image.Transform.AFFINE, tuple(back.ravel()), Image.Resampling.BICUBIC)
    )
    part = finder.placement(whole(where), TIFF.shape, JPEG_SHAPE)
    ours, theirs = showing.laid_on(255 - TIFF if is_inverted else TIFF, jpeg, part)
    assert ours.shape == theirs.shape
    shown = (ours > 0) & (theirs > 0)
    assert shown.sum() > 10_000
    # Of 255 grey values; at the JPEG's edges of the TIFF both are mixed with black.
    assert np.median(np.abs(ours.astype(int) - theirs)[shown]) <= 2
