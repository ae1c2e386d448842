"""What worker processes do for parts: features of an image, and the part that a pair shares."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage, encoding
from backlabel.matching.evidence import Placement, Scores
from backlabel.matching.scores import FAST, Measures
from backlabel.parts.features import Features
from backlabel.parts.geometry import Shape, corners_of
from backlabel.parts.registration import Part, find
from backlabel.storage.store import Store

ALGORITHM = 1
"""Raised whenever a change in this package can change a feature, a place or a score."""
_PACKAGES = ("numpy", "opencv-python-headless", "Pillow", "imagecodecs", "simplejpeg", "tifffile")
_HEADER = 1 << 16  # bytes; a JPEG's tables stand before its image data
_PLACES = 4  # decimals of shares, degrees and scales


@dataclass(frozen=True)
class File:
    """An image file and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Found:
    """A part that was found: where, and the scores of what both show."""

    placement: Placement
    scores: Scores


@dataclass(frozen=True)
class Finder:
    """How features and parts are found; what was found is kept by the contents of the files."""

    limits: images.Limits
    engine: Literal["fast", "reference"]
    store: Store

    def features(self, file: File) -> bytes:
        """The features of an image, encoded. Raises UnreadableImageError."""
        key = self._key("features", file.sha256)
        known = self.store.get(key)
        if known is None:
            known = Features.of(_grey(file.path, self.limits)).encoded()
            self.store.put([(key, known)])
        return known

    def part(self, pair: tuple[File, File]) -> Found | None:
        """The part of a TIFF that a JPEG shows, if any. Raises UnreadableImageError."""
        tiff, jpeg = pair
        key = self._key("part", tiff.sha256, jpeg.sha256, self.engine)
        known = self.store.get(key)
        if known is not None:
            return _decoded(known)
        found = self._found(tiff, jpeg)
        self.store.put([(key, _encoded(found))])
        return found

    def _found(self, tiff: File, jpeg: File) -> Found | None:
        features = (
            Features.decoded(self.features(tiff)),
            Features.decoded(self.features(jpeg)),
        )
        ours = _grey(tiff.path, self.limits)
        theirs, table = _with_table(jpeg.path, self.limits)
        part = find(ours, theirs, table, features, self._measures)
        return (
            None if part is None else Found(_placement(part, ours.shape, theirs.shape), part.scores)
        )

    @property
    def _measures(self) -> Measures:
        if self.engine == "fast":
            return FAST
        from backlabel.matching.reference import REFERENCE  # noqa: PLC0415 - slow to import

        return REFERENCE

    def _key(self, *words: str) -> bytes:
        return self._circumstances + "\0".join(words).encode()

    @cached_property
    def _circumstances(self) -> bytes:
        """What was refused by other limits, or found by other versions, must be tried again."""
        versions = {package: metadata.version(package) for package in _PACKAGES}
        parts = [ALGORITHM, versions, asdict(self.limits)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def _placement(part: Part, tiff: Shape, jpeg: Shape) -> Placement:
    """What both show, in the pixels and as a share of each."""
    here, there = part.place(corners_of(tiff)), corners_of(jpeg)
    area, shown = cv2.intersectConvexConvex(here.astype(np.float32), there.astype(np.float32))
    shown = np.asarray(shown, np.float64).reshape(-1, 2)
    place = part.place
    return Placement(
        jpeg_box=_around(shown, jpeg),
        tiff_box=_around(place.inverse()(shown), tiff),
        scale=round(place.scale, _PLACES),
        angle=round(place.angle, _PLACES) + 0.0,  # not -0.0
        mirrored=place.is_mirrored,
        jpeg_covered=round(min(area / (jpeg[0] * jpeg[1]), 1.0), _PLACES),
        tiff_covered=round(min(area / place.scale**2 / (tiff[0] * tiff[1]), 1.0), _PLACES),
    )


def _around(points: Any, shape: Shape) -> tuple[int, int, int, int]:
    limits = np.array(shape[::-1])
    low, high = (
        np.clip(np.rint(side(0)), 0, limits).astype(int).tolist()
        for side in (points.min, points.max)
    )
    return low[0], low[1], high[0] - low[0], high[1] - low[1]


@lru_cache(maxsize=1)  # the pairs of a TIFF come one after the other
def _grey(path: str, limits: images.Limits) -> GreyImage:
    return images.read(Path(path), limits).grey


def _with_table(path: str, limits: images.Limits) -> tuple[GreyImage, encoding.Table | None]:
    """The pixels of a JPEG and the quantisation that it states, if any."""
    file = Path(path)
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        grey = images.read(file, limits).grey
        head = source.read(0, min(_HEADER, source.size))
    try:
        return grey, encoding.luma_table(head)
    except UnreadableImageError:
        return grey, None


def _encoded(found: Found | None) -> bytes:
    return json.dumps(None if found is None else asdict(found)).encode()


def _decoded(raw: bytes) -> Found | None:
    values = json.loads(raw)
    if values is None:
        return None
    placed = values["placement"]
    placed |= {name: tuple(placed[name]) for name in ("jpeg_box", "tiff_box")}
    return Found(Placement(**placed), Scores(**values["scores"]))
