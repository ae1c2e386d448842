"""What worker processes do for a pair: read both images, register them and score them.

What computes is imported where it is needed: the parent process names this work and does none of
it, and workers would wait for its imports.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage
from backlabel.matching import variants
from backlabel.matching.evidence import Pair, Scores
from backlabel.matching.near_pairs import Query
from backlabel.matching.variants import Variant

if TYPE_CHECKING:
    from backlabel.images import encoding
    from backlabel.matching.scores import Measures, Registered
    from backlabel.matching.ssim import Window
    from backlabel.matching.verify import Verified

Engine = Literal["fast", "reference"]
_HEADER = 1 << 16  # bytes; a JPEG's tables stand before its image data


@dataclass(frozen=True)
class Changed:
    """A TIFF whose variants are to be hashed."""

    tiff: str
    page: int
    sha256: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True)
class Scorer:
    """How pairs are scored; what a worker needs to know besides the pair.

    `complete` asks for all scores, otherwise for the SSIM of the standardised images alone.
    Methods raise UnreadableImageError where a file cannot be read. One whose bytes are not those
    that were hashed counts as such: its scores would be kept as another content's.
    """

    limits: images.Limits
    complete: bool
    window: Window
    engine: Engine

    def score(self, pair: Pair) -> Scores:
        """The scores of a pair."""
        from backlabel.matching import scores  # noqa: PLC0415 - see above

        registered, table = self._read(pair)
        if not self.complete:
            return scores.ssim_alone(registered, self.window, self._measures)
        return scores.score(registered, table, self.window, self._measures)

    def verify(self, pair: Pair) -> tuple[tuple[GreyImage, GreyImage], Verified]:
        """What SSIM compares, standardised and in one size, for a GPU; and the other scores."""
        from backlabel.kernels.resize import to_common_size  # noqa: PLC0415 - see above
        from backlabel.matching.verify import NOT_VERIFIED  # noqa: PLC0415 - see above

        registered, table = self._read(pair)
        compared = to_common_size(*registered.standardised())
        if not self.complete:
            return compared, NOT_VERIFIED
        ours, theirs, scale = registered.tiff, registered.jpeg, registered.scale
        return compared, self._measures.verify(ours, theirs, table, scale=scale)

    def hashes(self, changed: Changed) -> list[Query]:
        """The hashes of the variants of a TIFF."""
        grey = tiff_pixels(changed.tiff, changed.page, changed.sha256, self.limits)
        measures = self._measures
        return list(
            variants.hashes(grey, changed.variants, measures.frequencies, measures.hash_image)
        )

    @property
    def _measures(self) -> Measures:
        return measures_of(self.engine)

    def _read(self, pair: Pair) -> tuple[Registered, encoding.Table | None]:
        from backlabel.matching.scores import Registered  # noqa: PLC0415 - see above

        tiff = tiff_pixels(pair.tiff, pair.page, pair.tiff_sha256, self.limits)
        jpeg, table = jpeg_pixels(pair.jpeg, pair.jpeg_sha256, self.limits)
        variant = Variant.parse(pair.variant)
        return Registered.of(tiff, jpeg, variant, self._measures.resize), table


def measures_of(engine: Engine) -> Measures:
    """The arithmetic of an engine."""
    if engine == "fast":
        from backlabel.matching.scores import FAST  # noqa: PLC0415 - see above

        return FAST
    from backlabel.matching.reference import REFERENCE  # noqa: PLC0415 - slow to import

    return REFERENCE


@lru_cache(maxsize=1)  # the pairs of a TIFF come one after the other
def tiff_pixels(path: str, page: int, sha256: str, limits: images.Limits) -> GreyImage:
    """The pixels of a page of a TIFF whose bytes have the digest `sha256`.

    Raises UnreadableImageError.
    """
    file = Path(path)
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        _require(source, sha256)
        return images.picture(source, file.name, limits, page).grey


def jpeg_pixels(
    path: str, sha256: str, limits: images.Limits
) -> tuple[GreyImage, encoding.Table | None]:
    """The pixels of a JPEG and the quantisation that it states, if any.

    Raises UnreadableImageError.
    """
    from backlabel.images import encoding  # noqa: PLC0415 - see above

    file = Path(path)
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        _require(source, sha256)
        grey = images.picture(source, file.name, limits).grey
        head = source.read(0, min(_HEADER, source.size))
    try:
        return grey, encoding.luma_table(head)
    except UnreadableImageError:
        return grey, None


def _require(source: images.Source, sha256: str) -> None:
    if source.sha256() != sha256:
        raise UnreadableImageError("changed", "its bytes are not those that were hashed")
