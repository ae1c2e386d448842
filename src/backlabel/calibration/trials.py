"""Scored pairs of known truth, made from one's own images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backlabel.calibration.degrade import Copy, Grey, copy
from backlabel.calibration.frames import two_frames
from backlabel.calibration.parts_and_pages import EVERY, PAGES, PARTS, as_pages
from backlabel.hashing import frequencies, hash_image
from backlabel.matching import scores
from backlabel.matching.evidence import Candidate, NearPair
from backlabel.matching.near_pairs import Queries, near_pairs
from backlabel.matching.variants import PART, SOURCES, Variant, expand, hashes
from backlabel.parts.finder import placement
from backlabel.parts.registration import find

KINDS = (
    "quality 90",
    "quality 75",
    "quality 50",
    "half size",
    "half size, quality 50",
    "gamma 2.0",
    "contrast 1.5",
    "bottom 8 % cut",
    "rotated 90",
    "equalised",
    "locally equalised",
    "jet",
    "blurred by 1.5",
    "median filtered",
    "quality 60, then 85",
    "screenshot",
    "databar swapped",
    "annotated",
    "cropped to 50 %",
    "cropped to 60 %, halved",
    "framed by 20 pixels",
    "rotated by 1.5 degrees",
    "panel of a figure",
    "page of a TIFF",
)
"""Kinds of change that represent the others."""
DRIFTS = ((0.0, 0.0), (0.5, 0.3), (1.0, 0.0), (2.0, 1.0), (5.0, 3.0))
"""Simulated movements between two frames: rows, columns; pixels."""
SIGMAS = (4.0, 8.0, 16.0)
"""Their noise, in grey levels. With less of it two frames saved at low quality are one picture."""


@dataclass(frozen=True)
class Trial:
    """One pair whose truth is known, with all its scores."""

    picture: str
    kind: str
    """Change of the copy, a key of `EVERY`."""
    drift: float | None
    """Pixels by which the JPEG's frame moved; None for a copy of the picture itself."""
    candidate: Candidate
    noise: float | None = None
    """Grey levels of the noise of both frames; None for a copy."""

    @property
    def is_copy(self) -> bool:
        return self.drift is None


def trials(picture: str, grey: Grey, kinds: Sequence[str], seed: int) -> Iterator[Trial]:
    """For each kind of change the pair with a true copy and the pair with a next frame's copy.

    The other frame is one of two that are simulated, and is compared with the first of them.
    Drifts and levels of noise take turns, so that a run over many pictures has all of them with
    every kind.
    """
    for number, kind in enumerate(kinds):
        drift = DRIFTS[(seed + number) % len(DRIFTS)]
        sigma = SIGMAS[(seed // len(DRIFTS) + number) % len(SIGMAS)]
        ours, theirs = two_frames(grey, drift, sigma, seed)
        original = grey
        if kind in PAGES:
            ours, theirs = as_pages(ours, theirs)
            original = theirs
        true, wrong = (copy(one, EVERY[kind], seed) for one in (original, theirs))
        score = scored_part if kind in PARTS else scored
        yield Trial(picture, kind, None, score(original, true))
        yield Trial(picture, kind, float(np.hypot(*drift)), score(ours, wrong), sigma)


def scored(tiff: Grey, jpeg: Copy, sources: Sequence[str] = SOURCES) -> Candidate:
    """The pair's scores by the variant that brings the hashes nearest."""
    near = _near(tiff, jpeg, sources)
    pair = scores.Registered.of(tiff, jpeg.pixels, Variant.parse(near.variant))
    return Candidate(near, scores.score(pair, jpeg.table, "uniform", scores.FAST), label="")


def scored_part(tiff: Grey, jpeg: Copy) -> Candidate:
    """The scores of the part that both show; where none is found, those of the whole images."""
    part = find(tiff, jpeg.pixels, jpeg.table)
    if part is None:
        return scored(tiff, jpeg)
    where = placement(part, _shape(tiff), _shape(jpeg.pixels))
    near = replace(_near(tiff, jpeg, ["identity"]), variant=PART, part=where)
    return Candidate(near, part.scores, label="")


def _near(tiff: Grey, jpeg: Copy, sources: Sequence[str]) -> NearPair:
    theirs = hash_image(jpeg.pixels)
    variants = expand(sources, _shape(tiff), [_shape(jpeg.pixels)])
    bases = theirs.standardised[None], theirs.grey[None]
    queries = Queries.of([list(hashes(tiff, variants, frequencies, hash_image))])
    ((near,),) = near_pairs(queries, *bases, k=1)
    return near


def _shape(grey: Grey) -> tuple[int, int]:
    return grey.shape[0], grey.shape[1]
