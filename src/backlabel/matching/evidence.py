"""What is known of a TIFF and a JPEG: how near their hashes are, and the scores of the pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from backlabel.errors import UnreadableImageError

DECIMALS = 6
"""Of scores: what a GPU and a CPU may compute differently lies below."""
WHOLE = 0.99
"""Share of both images from which a copy is whole."""
_UPRIGHT = 0.1  # degrees
_BORDER = 0.02  # share of the smaller part that two neighbours may share


Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""


@dataclass(frozen=True)
class Placement:
    """Where a JPEG shows a part of a TIFF, and how much of each that is."""

    jpeg_box: Box
    """Around what the JPEG shows of the TIFF."""
    tiff_box: Box
    """Around what the TIFF has of it."""
    scale: float
    """Pixels of the JPEG for one of the TIFF; the geometric mean where the axes differ."""
    angle: float
    """Degrees, counter-clockwise, by which the TIFF is turned, after mirroring where it is."""
    mirrored: bool
    """Left to right."""
    jpeg_covered: float
    """Share of the JPEG's area that shows the TIFF."""
    tiff_covered: float
    """Share of the TIFF's area that the JPEG shows."""

    @property
    def is_whole(self) -> bool:
        """Whether it is no more than an upright copy of the whole image."""
        covered = min(self.jpeg_covered, self.tiff_covered)
        return not self.mirrored and abs(self.angle) < _UPRIGHT and covered >= WHOLE

    def shares_pixels(self, other: Placement | None, *, of_the_tiff: bool = False) -> bool:
        """Whether both show the same pixels of the JPEG, or of the TIFF; None is all of them.

        Neighbours may share a border of some pixels: the boxes are rounded.
        """
        if other is None:
            return True
        mine, theirs = (
            (self.tiff_box, other.tiff_box) if of_the_tiff else (self.jpeg_box, other.jpeg_box)
        )
        width, height = (
            min(mine[i] + mine[i + 2], theirs[i] + theirs[i + 2]) - max(mine[i], theirs[i])
            for i in (0, 1)
        )
        smaller = min(mine[2] * mine[3], theirs[2] * theirs[3])
        return max(width, 0) * max(height, 0) > _BORDER * smaller


@dataclass(frozen=True, slots=True)
class NearPair:
    """A JPEG that a TIFF may be the original of, by their hashes or by a part that both show."""

    row: int
    """Row of the JPEG in its table."""
    hamming_standardised: int
    """Bits of 1,024 between the hashes of the standardised images."""
    hamming_grey: int | None = None
    """The same between the hashes of the plain grey images; None where these do not count."""
    variant: str = "identity"
    """By which change of the TIFF the JPEG was found; see `variants`."""
    part: Placement | None = None
    """Where the JPEG shows the TIFF, where that was found; else it shows all of it."""

    @property
    def is_part(self) -> bool:
        """Whether hashes say nothing of the pair, since the JPEG shows a part of the TIFF."""
        return self.part is not None and not self.part.is_whole

    @property
    def distance(self) -> int:
        """The smaller of the two Hamming distances: the one that decides."""
        if self.hamming_grey is None:
            return self.hamming_standardised
        return min(self.hamming_standardised, self.hamming_grey)


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of a pair with their contents' SHA-256, and by which variant it was found.

    `page` is the TIFF's.
    """

    tiff: str
    jpeg: str
    variant: str
    tiff_sha256: str
    jpeg_sha256: str
    page: int = 1


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a pair, to `DECIMALS`; all but `ssim` are None where nobody asked for them."""

    ssim: float | None
    """SSIM of the standardised images."""
    explained: float | None = None
    """Share of what the JPEG states that the TIFF explains; None where too little speaks."""
    spoke: float | None = None
    """Share of the picture that had something to say of it."""
    degradation: str | None = None
    """How the TIFF was changed to explain the most; see `verify`."""


Scored: TypeAlias = Scores | UnreadableImageError
"""The scores of a pair, or why there are none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A JPEG that a TIFF may be the original of, with all that a decision rests on."""

    pair: NearPair
    scores: Scores | None
    """None where the pair was too far apart to be scored, or could not be."""
    label: str
    """Label of the JPEG."""

    @property
    def row(self) -> int:
        """Row of the JPEG in its table."""
        return self.pair.row

    @property
    def distance(self) -> int:
        """Bits of 1,024 that decide."""
        return self.pair.distance

    @property
    def ssim(self) -> float | None:
        """SSIM of the standardised images, where it is known."""
        return self.scores.ssim if self.scores else None

    @property
    def explained(self) -> float | None:
        """Explained share, where it is known."""
        return self.scores.explained if self.scores else None

    @property
    def spoke(self) -> float | None:
        """Share of the picture that spoke, where it is known."""
        return self.scores.spoke if self.scores else None


Evidence: TypeAlias = list[Candidate] | UnreadableImageError
"""The candidates of a TIFF, or why it could not be read."""
