"""Which coefficients of a JPEG an image reproduces, and how alike both are, block by block.

JPEG keeps of each coefficient Y only the nearest multiple of its step q. An image whose coefficient
is P reproduces it where |P - Y| <= q / 2 + tolerance. Only coefficients that are not zero in both
say anything: |Y| > q / 2 or |P| > q / 2 + tolerance. The lowest three, which are shading, are left
out.

Another picture reproduces some of them by chance, c of those with one step, nearly all where the
steps are coarse. So a coefficient weighs 1 - c, and brings 1 - c where it is reproduced, else -c:
the quotient of the sums is 1 for a copy and 0 for such a picture, as Cohen's kappa.
"""

from __future__ import annotations

import numpy as np
from numba import float32
from numpy.typing import NDArray

from backlabel.kernels.block_dct import Coefficients
from backlabel.kernels.compiled import kernel, reads

Steps = NDArray[np.float32]  # (8, 8)

TELLING, REPRODUCED, PRODUCT, POWER, POWER_JPEG = range(5)
"""What the five numbers of a block are: the sum of weights and of what they bring, and three sums
over the low frequencies."""
_SHADING = 2  # u + v below which a coefficient is shading
_LOW = 4  # u + v up to which the sums go: what a blurred copy keeps


@kernel(
    *(reads(float32, 4), reads(float32, 4), reads(float32, 2), reads(float32, 2), float32),
    result=float32[:, :, ::1],
)
def reproduced(
    image: Coefficients, jpeg: Coefficients, steps: Steps, chance: Steps, tolerance: float
) -> NDArray[np.float32]:
    """(5, rows, columns): for each block, sums as `TELLING` ... `POWER_JPEG` say.

    `chance` (8, 8), from 0 to 1, belongs to `steps`.
    """
    rows, columns = image.shape[0], image.shape[3]
    found = np.zeros((5, rows, columns), np.float32)
    for row in range(rows):
        telling, same = found[0, row], found[1, row]
        product, power, power_jpeg = found[2, row], found[3, row], found[4, row]
        for u in range(8):
            for v in range(8):
                if u + v < _SHADING:
                    continue
                half = np.float32(0.5) * steps[u, v]
                within = half + np.float32(tolerance)
                by_chance = chance[u, v]
                p, y = image[row, u, v], jpeg[row, u, v]
                for k in range(columns):
                    counts = np.float32((abs(y[k]) > half) | (abs(p[k]) > within))
                    telling[k] += counts * (1 - by_chance)
                    same[k] += counts * (np.float32(abs(p[k] - y[k]) <= within) - by_chance)
                if u + v <= _LOW:
                    for k in range(columns):
                        product[k] += p[k] * y[k]
                        power[k] += p[k] * p[k]
                        power_jpeg[k] += y[k] * y[k]
    return found


def reproduced_reference(
    image: Coefficients, jpeg: Coefficients, steps: Steps, chance: Steps, tolerance: float
) -> NDArray[np.float32]:
    """The same from NumPy."""
    half = steps[np.newaxis, :, :, np.newaxis] / 2
    within = half + np.float32(tolerance)
    frequency = np.add.outer(np.arange(8), np.arange(8))[np.newaxis, :, :, np.newaxis]
    counts = ((np.abs(jpeg) > half) | (np.abs(image) > within)) & (frequency >= _SHADING)
    by_chance = chance[np.newaxis, :, :, np.newaxis]
    telling = counts * (1 - by_chance)
    same = counts * ((np.abs(image - jpeg) <= within) - by_chance)
    low = (frequency >= _SHADING) & (frequency <= _LOW)
    sums = (image * jpeg * low, image * image * low, jpeg * jpeg * low)
    return np.stack([part.sum(axis=(1, 2), dtype=np.float32) for part in (telling, same, *sums)])
