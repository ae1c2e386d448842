"""What worker processes do for the page: a pair as PNGs of one scale, and a TIFF's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage, encoding
from backlabel.matching.histogram_matching import match_histogram
from backlabel.matching.registration import register
from backlabel.matching.variants import PART, Variant
from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition
from backlabel.parts.showing import laid_on
from backlabel.review.subject import Subject
from backlabel.storage.files import sha256
from backlabel.storage.rows import PageKey

View = Literal["tiff", "jpeg", "matched", "thumb"]
VIEWS: tuple[View, ...] = ("tiff", "jpeg", "matched", "thumb")


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
        return self.subject.key(self.view, self.side, self.limits)


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
        return laid_on(tiff, jpeg, subject.part)
    variant = Variant.parse(subject.variant or "identity")
    return register(tiff, jpeg, Variant("identity") if variant.source == PART else variant)


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
