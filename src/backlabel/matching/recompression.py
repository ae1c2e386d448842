"""How much noise a TIFF and a JPEG share once the TIFF is degraded as the JPEG was.

Compression and scaling take most of an image's noise away, so that a true copy at quality 50 has
little noise correlation with its original as it is. But what they take is known: the JPEG states
its quantisation table, and there are few ways to scale and to change the grey values. A TIFF that
is degraded in the same way loses the same noise and keeps the same; another frame of the field
loses and keeps its own.

What remains is structure, which another frame does share, the more so the smaller the copy and the
less noisy the image. `correlation_by_chance` measures how far that alone goes, on a frame that is
simulated from the same TIFF.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing import histogram
from backlabel.images import GreyImage, encoding
from backlabel.matching.histogram_matching import matching_table
from backlabel.matching.noise_correlation import block_correlation_batch
from backlabel.matching.noise_model import rejoined, separate

Table: TypeAlias = NDArray[np.uint8]  # (256,), grey value to grey value

Correlation: TypeAlias = Callable[[GreyImage, GreyImage], float | None]
"""`correlation`, or the reference that takes its place."""

HIGH_ENOUGH = 0.99
"""A correlation from which no further degradation is tried."""

_LEVELS = 256
_LEAST_PIXELS = 16  # of one grey value, for its mean in the JPEG to count
_SHIFT = (37, 53)  # pixels; far enough that shifted noise does not correlate with itself
_BLOCKS = (64, 32, 16)  # pixels a side
_MEMORY_MIB = 1024  # the CPU path only checks it


@dataclass(frozen=True)
class Degradation:
    """One way in which a TIFF may have become a JPEG of `shape`: scaled, toned, quantised."""

    shape: tuple[int, ...]
    resampling: encoding.Resampling
    tone: Table
    """Grey value after scaling to grey value of the JPEG."""
    quantisation: encoding.Table | None
    """None where the JPEG's blocks do not lie where the TIFF's would."""

    def __call__(self, tiff: GreyImage) -> GreyImage:
        toned = self.tone[_resized(tiff, self.shape, self.resampling)]
        if self.quantisation is None:
            return toned
        return encoding.through_table(toned, self.quantisation)


def best_degradation(
    tiff: GreyImage,
    jpeg: GreyImage,
    quantisation: encoding.Table | None,
    correlate: Correlation | None = None,
) -> tuple[float | None, Degradation]:
    """The degradation that brings `tiff` nearest to `jpeg`, and the residual correlation then.

    Both show the same (their shapes may differ). Stops at the first that is `HIGH_ENOUGH`. The
    correlation is None where no block varies in both. `correlate` is `correlation` if not given.
    """
    correlate = correlate or correlation
    best: tuple[float | None, Degradation] | None = None
    for degradation in _degradations(tiff, jpeg, quantisation):
        value = correlate(degradation(tiff), jpeg)
        if best is None or (value or -1.0) > (best[0] or -1.0):
            best = value, degradation
        if value is not None and value >= HIGH_ENOUGH:
            break
    assert best is not None  # there is always one
    return best


def correlation_by_chance(
    tiff: GreyImage, degradation: Degradation, correlate: Correlation | None = None
) -> float:
    """The residual correlation that another frame of the same field would reach, degraded alike."""
    frame = degradation(another_frame(tiff))
    return (correlate or correlation)(frame, degradation(tiff)) or 0.0


def another_frame(tiff: GreyImage) -> GreyImage:
    """`tiff` without its noise, and with noise of the same kind that lay elsewhere in it."""
    parts = separate(tiff)
    return rejoined(parts.clean, np.roll(parts.noise, _SHIFT, (0, 1)), parts.level)


def correlation(a: GreyImage, b: GreyImage) -> float | None:
    """`block_correlation` of one pair, the larger resized to the smaller.

    Blocks have 64 pixels a side, in small images 32 or 16. None where no block varies in both.
    """
    return correlations([(a, b)], device="cpu", batch_size=1, memory_mib=_MEMORY_MIB)[0]


def correlations(
    pairs: Sequence[tuple[GreyImage, GreyImage]], *, device: str, batch_size: int, memory_mib: int
) -> list[float | None]:
    """`correlation` of each pair; the bounds are those of `block_correlation_batch`."""
    blocks = [block_side(*pair) for pair in pairs]
    found: dict[int, float | None] = {}
    for block in {*blocks}:
        own = [i for i, other in enumerate(blocks) if other == block]
        values = block_correlation_batch(
            [pairs[i] for i in own],
            device=device,
            batch_size=batch_size,
            memory_mib=memory_mib,
            block=block,
        )
        found.update(zip(own, values, strict=True))
    return [found[i] for i in range(len(pairs))]


def block_side(a: GreyImage, b: GreyImage) -> int:
    """Pixels a side of the blocks for images of these shapes: 64, in small images 32 or 16."""
    side = min(*a.shape, *b.shape)
    return next((size for size in _BLOCKS if side >= 2 * size), _BLOCKS[-1])


def _degradations(
    tiff: GreyImage, jpeg: GreyImage, quantisation: encoding.Table | None
) -> Iterator[Degradation]:
    same_size = tiff.shape == jpeg.shape
    for resampling in encoding.RESAMPLINGS[:1] if same_size else encoding.RESAMPLINGS:
        small = _resized(tiff, jpeg.shape, resampling)
        for tone in (_unchanged, _histogram, _mean):
            yield Degradation(jpeg.shape, resampling, tone(small, jpeg), quantisation)


def _unchanged(_image: GreyImage, _reference: GreyImage) -> Table:
    return np.arange(_LEVELS, dtype=np.uint8)


def _histogram(image: GreyImage, reference: GreyImage) -> Table:
    """The table that gives `image` the histogram of `reference`: right for large changes."""
    counts = histogram(image)
    known = np.flatnonzero(counts)
    return _filled(known, matching_table(counts, histogram(reference))[known])


def _mean(image: GreyImage, reference: GreyImage) -> Table:
    """The table of mean values in `reference`, pixel by pixel: right where values were clipped."""
    counts = np.bincount(image.ravel(), minlength=_LEVELS)
    sums = np.bincount(image.ravel(), reference.ravel().astype(np.float64), _LEVELS)
    known = np.flatnonzero(counts >= min(_LEAST_PIXELS, counts.max()))
    return _filled(known, sums[known] / counts[known])


def _filled(known: NDArray[np.integer], values: NDArray[np.number]) -> Table:
    table: Table = np.rint(np.interp(np.arange(_LEVELS), known, values)).astype(np.uint8)
    return table


def _resized(grey: GreyImage, shape: tuple[int, ...], resampling: encoding.Resampling) -> GreyImage:
    return grey if grey.shape == shape else encoding.resized(grey, shape[0], shape[1], resampling)
