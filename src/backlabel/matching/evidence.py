"""What is known of a TIFF and a JPEG: how near their hashes are, and the scores of the pair."""

from __future__ import annotations

from dataclasses import dataclass

DECIMALS = 6
"""Of scores: what a GPU and a CPU may compute differently lies below."""


@dataclass(frozen=True)
class NearPair:
    """A JPEG that a TIFF may be the original of, by their hashes."""

    row: int
    """Row of the JPEG in its table."""
    hamming_standardised: int
    """Bits of 1,024 between the hashes of the standardised images."""
    hamming_grey: int | None = None
    """The same between the hashes of the plain grey images; None where these do not count."""
    variant: str = "identity"
    """By which change of the TIFF the JPEG was found; see `variants`."""

    @property
    def distance(self) -> int:
        """The smaller of the two Hamming distances: the one that decides."""
        if self.hamming_grey is None:
            return self.hamming_standardised
        return min(self.hamming_standardised, self.hamming_grey)


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Scores:
    """The scores of a pair, to `DECIMALS`; all but `ssim` are None where nobody asked for them."""

    ssim: float | None
    """SSIM of the standardised images."""
    ssim_matched: float | None = None
    """SSIM of the grey images after the JPEG's histogram is matched to the TIFF's."""
    explained: float | None = None
    """Share of what the JPEG states that the TIFF explains; None where too little speaks."""
    spoke: float | None = None
    """Share of the picture that had something to say of it."""
    degradation: str | None = None
    """How the TIFF was changed to explain the most; see `verify`."""


@dataclass(frozen=True)
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
    def ssim_matched(self) -> float | None:
        """SSIM after histogram matching, where it is known."""
        return self.scores.ssim_matched if self.scores else None

    @property
    def explained(self) -> float | None:
        """Explained share, where it is known."""
        return self.scores.explained if self.scores else None

    @property
    def spoke(self) -> float | None:
        """Share of the picture that spoke, where it is known."""
        return self.scores.spoke if self.scores else None
