"""Which images carry too little information for their hash to mean anything.

Everything is read off the 128x128 thumbnail's DCT, which the hash has computed anyway.

- `tiny`: a side is below 32 pixels, so that the 32x32 frequencies of the hash are not all there.
- `flat`: half of the coefficients of the hash, or more, are no larger than what rounding the
  thumbnail to whole grey levels makes of nothing; their bits are that rounding. Constant images,
  and gradients, checkers and blots without any grain, whose few coefficients leave the rest at 0.
- `noise`: the spectrum is white by three tests at once. White noise has independent Gaussian
  coefficients of one variance, which gives the expected values in brackets.
  1. Flatness, the geometric over the arithmetic mean of their power (exp(-gamma) / 2 = 0.28).
  2. Fall, the mean power of the 8x8 lowest over the 8x8 highest of the hash (1; an F distribution).
  3. Band, the mean power inside the hash over that above it (1; more where a side below 128 pixels
     was upsampled, so that only larger images are held to the upper limit).

The limits stand between what was measured on 137 micrographs of many instruments, each as it is and
in 5 degraded copies (JPEG quality 20, half size, quarter size at quality 75, added grain of 25
levels, contrast cut to an eighth), and on 91 noise images (normal, uniform, Poisson, exponential,
sparse and binary, 64x64 to 3000x2000; sigma 1 to 80):

|          | limit | micrographs and copies | white noise |
|----------|-------|------------------------|-------------|
| typical coefficient in rounding sigmas | 1 | 2.1 or more, undegraded 12 or more | any |
| flatness | 0.2   | up to 0.24             | 0.24 to 0.31 |
| fall     | 5     | 7 or more where the other two look white | up to 3.5 |
| band     | 0.6 to 1.7 | below 0.37 or above 1.8 where the other two look white | 0.91 to 1.2 |

The upper limit of band comes from a micrograph of dense fibres: without its databar it is white by
the other tests (0.24, 2.7), but its grain has a size (band 1.9), and its hash is stable. Noise
of few bright pixels (band up to 2) can pass for that.

Noise on a slope, on scan lines or under a databar is not white, and passes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.hashing.bits import SIDE

TINY = "tiny"
FLAT = "flat"
NOISE = "noise"
FINE = ""

MIN_SIDE = 32  # pixels
MIN_COEFFICIENT = 1.0  # in standard deviations of the rounding
MIN_FLATNESS = 0.2
MAX_FALL = 5.0
MIN_BAND = 0.6
MAX_BAND = 1.7

_ROUNDING = 4 * (SIDE / 2) * np.sqrt(1 / 12)
"""Standard deviation of a coefficient of SciPy's unnormalised DCT-II (factor 2 an axis, squares of
the cosines adding up to SIDE / 2) where each pixel is off by a uniform rounding error."""
_CORNER = 8
_ABOVE = slice(48, 96)  # frequencies outside the hash that LANCZOS still lets through


def information(shape: tuple[int, ...], rows: NDArray[np.float64]) -> str:
    """TINY, FLAT, NOISE or FINE, for an image of `shape` pixels.

    `rows` are the 32 lowest rows of its thumbnail's DCT, all 128 columns.
    """
    if min(shape) < MIN_SIDE:
        return TINY
    side = len(rows)
    typical = np.median(np.abs(rows[:, :side]))
    if typical < MIN_COEFFICIENT * _ROUNDING:
        return FLAT
    power = rows * rows
    inside = power[:, :side].reshape(-1)[1:]  # without the mean grey level
    band = inside.mean() / max(float(power[:, _ABOVE].mean()), 1.0)
    # The cheapest first: an ordinary image seldom passes it.
    upsampled = min(shape) < SIDE
    white = (
        band > MIN_BAND
        and (upsampled or band < MAX_BAND)
        and _fall(power[:, :side]) < MAX_FALL
        and _flatness(inside) > MIN_FLATNESS
    )
    return NOISE if white else FINE


def _flatness(power: NDArray[np.float64]) -> float:
    return float(np.exp(np.log(power + 1.0).mean()) / (power.mean() + 1.0))


def _fall(power: NDArray[np.float64]) -> float:
    lowest = power[:_CORNER, :_CORNER].reshape(-1)[1:].mean()
    return float(lowest / max(float(power[-_CORNER:, -_CORNER:].mean()), 1.0))
