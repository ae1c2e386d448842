"""What worker processes do for parts: features of an image, and the part that a pair shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backlabel import images
from backlabel.matching.evidence import WHOLE, Box, Placement
from backlabel.matching.scoring import Engine, jpeg_pixels, measures_of, tiff_pixels
from backlabel.parts.features import Features
from backlabel.parts.geometry import Box as Window
from backlabel.parts.geometry import Points, Shape, overlap, shares
from backlabel.parts.kept import Found
from backlabel.parts.registration import Part, place, scored
from backlabel.storage.rows import TiffHash

_DECIMALS = 4  # of shares, degrees and scales
_LEAST_KEPT = 0.75  # share of a whole copy that is still that of the TIFF; the rest is a databar


@dataclass(frozen=True)
class Task:
    """A TIFF and a JPEG with their features, encoded."""

    tiff: TiffHash
    jpeg: TiffHash
    tiff_features: bytes
    jpeg_features: bytes


@dataclass(frozen=True)
class Finder:
    """How features and parts are found. Methods raise UnreadableImageError."""

    limits: images.Limits
    engine: Engine

    def features(self, row: TiffHash) -> bytes:
        """The features of an image, encoded."""
        return Features.of(tiff_pixels(*row.key, row.sha256, self.limits)).encoded()

    def part(self, task: Task) -> Found | None:
        """The part of the TIFF that the JPEG shows, if any. None is read before one is likely."""
        tiff, jpeg = task.tiff, task.jpeg
        found = place(*map(Features.decoded, (task.tiff_features, task.jpeg_features)))
        if found is None:
            return None
        ours = tiff_pixels(*tiff.key, tiff.sha256, self.limits)
        theirs, table = jpeg_pixels(jpeg.path, jpeg.sha256, self.limits)
        part = scored(ours, theirs, table, found, measures_of(self.engine))
        if part is None:
            return None
        return Found(placement(part, ours.shape, theirs.shape), part.scores)


def placement(part: Part, tiff: Shape, jpeg: Shape) -> Placement:
    """What both show, in the pixels and as a share of each."""
    where, window = part.place, _window(part, tiff, jpeg)
    shown = overlap(where, tiff, window)[1]
    ours, theirs = shares(where, (tiff, jpeg), window)
    return Placement(
        jpeg_box=_around(shown, jpeg),
        tiff_box=_around(where.inverse()(shown), tiff),
        scale=round(where.scale, _DECIMALS),
        angle=round(where.angle, _DECIMALS) + 0.0,  # not -0.0
        mirrored=where.is_mirrored,
        jpeg_covered=round(theirs, _DECIMALS),
        tiff_covered=round(ours, _DECIMALS),
    )


def _window(part: Part, tiff: Shape, jpeg: Shape) -> Window:
    """What of the JPEG counts as shown: all of a whole copy, although its databar was swapped."""
    whole = Window.whole(jpeg)
    room, kept = (min(shares(part.place, (tiff, jpeg), one)) for one in (whole, part.window))
    return whole if room >= WHOLE and kept >= _LEAST_KEPT else part.window


def _around(points: Points, shape: Shape) -> Box:
    height, width = shape
    low, high = (np.rint(side).astype(int).tolist() for side in (points.min(0), points.max(0)))
    left, top = max(low[0], 0), max(low[1], 0)
    return left, top, min(high[0], width) - left, min(high[1], height) - top
