"""Pillow's LANCZOS weights in its own fixed-point arithmetic.

Pillow resamples 8-bit images with integer weights of 22 fractional bits, one axis after the other,
rounding to 8 bits between them. Bits of the hash hang on that rounding, so the weights are computed
here step by step in C doubles (`math.sin` is the C library's; `numpy.sin` differs in the last
place). Source of the arithmetic: Pillow, src/libImaging/Resample.c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

HASH_SIDE = 32
"""Rows and columns of coefficients that a hash is made from."""

SIDE = 4 * HASH_SIDE
"""Pixels a side of the image that the DCT sees; 4 as imagehash has it."""

FRACTION_BITS = 22
LOW_BITS = 11
_LOBES = 3.0


@dataclass(frozen=True)
class Weights:
    """Weights that bring an axis of n pixels to SIDE pixels.

    Output i is `sum(taps[i] * pixels[starts[i]:])`, rounded off by FRACTION_BITS. `taps` is int32,
    (SIDE, longest); the padding is zero and may reach beyond the n pixels.
    """

    starts: NDArray[np.int64]
    taps: NDArray[np.int32]

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """(SIDE,): where the weights begin in pairs of pixels."""
        return self.starts // 2

    @cached_property
    def halves(self) -> NDArray[np.int16]:
        """(2, SIDE, even): high and low 11 bits of the weights, from the pairs' first pixels on.

        high * 2**LOW_BITS + low is the weight; low is rounded, so that it has a sign.
        """
        longest = self.taps.shape[1] + 1
        taps = np.zeros((SIDE, longest + longest % 2), np.int32)
        for moved, row, start in zip(taps, self.taps, self.starts, strict=True):
            moved[start % 2 : start % 2 + len(row)] = row
        low = ((taps + (1 << LOW_BITS - 1)) & ((1 << LOW_BITS) - 1)) - (1 << LOW_BITS - 1)
        used = np.flatnonzero(taps.any(axis=0))[-1] // 2 * 2 + 2
        return np.stack([(taps - low) >> LOW_BITS, low])[:, :, :used].astype(np.int16)


@lru_cache(maxsize=256)
def lanczos(n: int) -> Weights:
    """The weights for an axis of `n` pixels (1 or more)."""
    rows = [_row(i, n) for i in range(SIDE)]
    taps = np.zeros((SIDE, max(len(taps) for _, taps in rows)), np.int32)
    for i, (_, row) in enumerate(rows):
        taps[i, : len(row)] = row
    starts = np.array([start for start, _ in rows], np.int64)
    return Weights(starts, taps)


def _row(i: int, n: int) -> tuple[int, list[int]]:
    scale = n / SIDE
    stretch = max(scale, 1.0)
    support = _LOBES * stretch
    centre = (i + 0.5) * scale
    start = max(int(centre - support + 0.5), 0)
    stop = min(int(centre + support + 0.5), n)
    inverse = 1.0 / stretch
    raw = [_kernel((x - centre + 0.5) * inverse) for x in range(start, stop)]
    total = 0.0
    for value in raw:  # in order: sum() compensates rounding from Python 3.12 on, Pillow does not
        total += value
    return start, [_fixed(value / total if total else value) for value in raw]


def _kernel(x: float) -> float:
    return _sinc(x) * _sinc(x / _LOBES) if -_LOBES <= x < _LOBES else 0.0


def _sinc(x: float) -> float:
    return math.sin(x * math.pi) / (x * math.pi) if x else 1.0


def _fixed(value: float) -> int:
    """Rounded half away from zero."""
    return int(value * (1 << FRACTION_BITS) + (-0.5 if value < 0 else 0.5))
