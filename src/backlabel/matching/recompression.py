"""How much noise a TIFF and a JPEG share, when the TIFF is made into a JPEG in the same way.

Compression and scaling take most of an image's noise away, so that a true copy at quality 50 has
little noise correlation with its original as it is. But what they take is known: the JPEG carries
its quantisation table, and there are few ways to scale and to change the grey values. A TIFF made
alike loses the same noise and keeps the same; another frame of the field loses and keeps its own.

What remains is structure, which another frame does share, the more so the smaller the copy and the
less noisy the image. `chance` measures on a made-up frame of the same TIFF how far that alone goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import encoding
from backlabel.matching.histogram_matching import match_histogram
from backlabel.matching.noise_correlation import block_correlation_batch
from backlabel.matching.noise_model import rejoined, separate

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)
Table: TypeAlias = NDArray[np.uint8]  # (256,), grey value to grey value

SURE = 0.99
"""A correlation from which no other way of making needs to be tried."""

_LEVELS = 256
_LEAST_PIXELS = 16  # of one grey value, for its mean in the JPEG to count
_MOVED = (37, 53)  # pixels; far enough that moved noise has nothing in common with itself
_BLOCKS = (64, 32, 16)  # pixels a side
_MEMORY_MIB = 1024  # the CPU path only checks it


@dataclass(frozen=True)
class Making:
    """One way in which a TIFF may have become a JPEG of `shape`."""

    shape: tuple[int, ...]
    resampling: encoding.Resampling
    tone: Table
    quantisation: encoding.Table | None

    def __call__(self, tiff: Grey) -> Grey:
        toned = self.tone[_resized(tiff, self.shape, self.resampling)]
        if self.quantisation is None:
            return toned
        return encoding.through_table(toned, self.quantisation)


def best_making(
    tiff: Grey, jpeg: Grey, quantisation: encoding.Table | None
) -> tuple[float | None, Making]:
    """The way that brings `tiff` nearest to `jpeg`, and the residual correlation then.

    Both show the same (h, w need not be equal). Stops at the first that is `SURE`. The
    correlation is None where no block varies in both.
    """
    best: tuple[float | None, Making] | None = None
    for making in _makings(tiff, jpeg, quantisation):
        value = correlation(making(tiff), jpeg)
        if best is None or (value or -1.0) > (best[0] or -1.0):
            best = value, making
        if value is not None and value >= SURE:
            break
    assert best is not None  # there is always one way
    return best


def chance(tiff: Grey, making: Making) -> float:
    """The residual correlation that another frame of the same field would reach, made alike."""
    return correlation(making(another_frame(tiff)), making(tiff)) or 0.0


def another_frame(tiff: Grey) -> Grey:
    """`tiff` without its noise, and with noise of the same kind that lay elsewhere in it."""
    parts = separate(tiff)
    return rejoined(parts.clean, np.roll(parts.noise, _MOVED, (0, 1)), parts.level)


def correlation(a: Grey, b: Grey) -> float | None:
    """`block_correlation` of one pair, the larger resized to the smaller.

    Blocks have 64 pixels a side, in small images 32 or 16. None where no block varies in both.
    """
    return correlations([(a, b)], device="cpu", batch_size=1, memory_mib=_MEMORY_MIB)[0]


def correlations(
    pairs: Sequence[tuple[Grey, Grey]], *, device: str, batch_size: int, memory_mib: int
) -> list[float | None]:
    """`correlation` of each pair; the bounds are those of `residual.block_correlation_batch`."""
    blocks = [_block(*pair) for pair in pairs]
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


def _block(a: Grey, b: Grey) -> int:
    side = min(*a.shape, *b.shape)
    return next((size for size in _BLOCKS if side >= 2 * size), _BLOCKS[-1])


def _makings(tiff: Grey, jpeg: Grey, quantisation: encoding.Table | None) -> Iterator[Making]:
    same_size = tiff.shape == jpeg.shape
    for resampling in encoding.RESAMPLINGS[:1] if same_size else encoding.RESAMPLINGS:
        small = _resized(tiff, jpeg.shape, resampling)
        for tone in (
            np.arange(_LEVELS, dtype=np.uint8),
            _histogram(small, jpeg),
            _mean(small, jpeg),
        ):
            yield Making(jpeg.shape, resampling, tone, quantisation)


def _histogram(image: Grey, reference: Grey) -> Table:
    """The table that gives `image` the histogram of `reference`: right for large changes."""
    known = np.full(_LEVELS, -1)
    known[image.ravel()] = match_histogram(image, reference).ravel()
    return _filled(np.flatnonzero(known >= 0), known[known >= 0])


def _mean(image: Grey, reference: Grey) -> Table:
    """The table of mean values in `reference`, pixel by pixel: right where values were clipped."""
    counts = np.bincount(image.ravel(), minlength=_LEVELS)
    sums = np.bincount(image.ravel(), reference.ravel().astype(np.float64), _LEVELS)
    known = np.flatnonzero(counts >= min(_LEAST_PIXELS, counts.max()))
    return _filled(known, sums[known] / counts[known])


def _filled(known: NDArray[np.integer], values: NDArray[np.number]) -> Table:
    table: Table = np.rint(np.interp(np.arange(_LEVELS), known, values)).astype(np.uint8)
    return table


def _resized(grey: Grey, shape: tuple[int, ...], resampling: encoding.Resampling) -> Grey:
    return grey if grey.shape == shape else encoding.resized(grey, shape[0], shape[1], resampling)
