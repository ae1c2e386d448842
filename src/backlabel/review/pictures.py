"""What worker processes do for the page: a pair as PNGs of one scale, and a TIFF's metadata."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage, encoding
from backlabel.matching.histogram_matching import match_histogram
from backlabel.matching.registration import register
from backlabel.matching.variants import PART, Variant
from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage.files import sha256
from backlabel.storage.rows import PageKey

View = Literal["tiff", "jpeg", "matched", "thumb"]
VIEWS: tuple[View, ...] = ("tiff", "jpeg", "matched", "thumb")
_FORM = 1  # grows when the same request gives another picture


@dataclass(frozen=True)
class Part:
    """Where a JPEG shows a part of a TIFF: boxes "left top width height", as tables have them."""

    jpeg_box: str
    tiff_box: str
    angle: float
    mirrored: bool


@dataclass(frozen=True)
class Subject:
    """A TIFF and the JPEG that is looked at beside it, with the digests that the tables have.

    `variant` is the change of the TIFF by which the JPEG was found; None compares both as they are.
    """

    tiff: str
    page: int
    tiff_sha256: str
    jpeg: str | None = None
    jpeg_sha256: str | None = None
    variant: str | None = None
    part: Part | None = None


@dataclass(frozen=True)
class Request:
    """One picture: `side` is its longest side in pixels at most."""

    subject: Subject
    view: View
    side: int
    limits: images.Limits

    @property
    def key(self) -> str:
        """A name for what is cached: equal keys, equal pictures."""
        return hashlib.sha256(repr((_FORM, sorted(asdict(self).items()))).encode()).hexdigest()


def png(request: Request) -> bytes:
    """The picture as a PNG. Raises UnreadableImageError, also where a file is not the one known.

    TIFF and JPEG are brought to the same part and the same pixels, so that they lie on each other.
    """
    subject, view = request.subject, request.view
    if view == "thumb" or subject.jpeg is None:
        tiff = read(subject.tiff, subject.tiff_sha256, request.limits, subject.page)
        return encoding.png(within(tiff, request.side))
    tiff, jpeg = registered(subject, request.limits)
    if view == "matched":
        tiff = match_histogram(tiff, jpeg)
    shape = fitting(tiff.shape, request.side)
    return encoding.png(at(jpeg if view == "jpeg" else tiff, shape))


def registered(subject: Subject, limits: images.Limits) -> tuple[GreyImage, GreyImage]:
    """The parts of both that show the same, each in its own scale."""
    assert subject.jpeg is not None
    tiff = read(subject.tiff, subject.tiff_sha256, limits, subject.page)
    jpeg = read(subject.jpeg, subject.jpeg_sha256 or "", limits)
    if subject.part is not None:
        return cut(tiff, jpeg, subject.part)
    variant = Variant.parse(subject.variant or "identity")
    return register(tiff, jpeg, Variant("identity") if variant.source == PART else variant)


def cut(tiff: GreyImage, jpeg: GreyImage, part: Part) -> tuple[GreyImage, GreyImage]:
    """What both show, the TIFF mirrored and turned by the right angles nearest to `part.angle`.

    What is turned by less stays so: for looking, that is near enough.
    """
    tiff, jpeg = _boxed(tiff, part.tiff_box), _boxed(jpeg, part.jpeg_box)
    if part.mirrored:
        tiff = tiff[:, ::-1]
    return np.ascontiguousarray(np.rot90(tiff, round(part.angle / 90) % 4)), jpeg


def _boxed(grey: GreyImage, box: str) -> GreyImage:
    left, top, width, height = (int(number) for number in box.split())
    return np.ascontiguousarray(grey[top : top + height, left : left + width])


@lru_cache(maxsize=4)  # the views of a pair come one after the other
def read(path: str, digest: str, limits: images.Limits, page: int | None = None) -> GreyImage:
    """The grey picture of a file whose SHA-256 is `digest`."""
    file = Path(path)
    with images.opened(file, max_bytes=limits.max_bytes):  # unchanged until it is read
        if sha256(file) != digest:
            raise UnreadableImageError(
                "changed", "the file is not the one that was compared; run `dvc repro`"
            )
        return images.read(file, limits, page).grey


def taken(tiff: PageKey, limits: images.Limits) -> Acquisition:
    """How a picture was taken, as its TIFF says."""
    path, page = tiff
    return metadata.read(Path(path), limits, page)


def within(grey: GreyImage, side: int) -> GreyImage:
    """`grey`, reduced where its longest side is above `side`."""
    return at(grey, fitting(grey.shape, side))


def fitting(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """`shape`, reduced until its longest side is `side` at most."""
    height, width = shape
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def at(grey: GreyImage, shape: tuple[int, int]) -> GreyImage:
    """`grey` in another shape."""
    return grey if grey.shape == shape else encoding.resized(grey, *shape)
