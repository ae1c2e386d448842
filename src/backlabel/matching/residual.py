"""Whether two images share their noise: local correlation of what a slight blur takes away.

A copy carries the noise of its original; the next frame of the same field, or another detector's,
does not. One correlation over the whole image is fooled by a databar that both share, so every
block is correlated on its own and the median taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.matching.grey import GreyImage, check_grey
from backlabel.matching.kernels import residuals

MIN_VARIANCE = 1e-4
"""Below it (in squared grey levels) a block's residual is rounding noise. One pixel that differs by
one level gives a block of 64x64 twice as much."""
_TRUNCATE = 4  # the blur's radius in sigmas, as scipy.ndimage.gaussian_filter has it


def block_correlation(a: GreyImage, b: GreyImage, *, block: int = 64, sigma: float = 1.0) -> float:
    """Median over whole blocks of the correlation of `x - gaussian(x, sigma)`, from -1 to 1.

    `a` and `b` have one shape (H, W). Blocks in which either residual is constant count for
    nothing. Raises ValueError for other types, unequal shapes, images smaller than one block, or
    if no block is left.
    """
    _check(a, b, block, sigma)
    moments = residuals.block_moments(
        np.ascontiguousarray(a), np.ascontiguousarray(b), block, _half_kernel(sigma)
    )
    median = median_correlation(moments.reshape(-1, 5), block * block)
    if median is None:
        raise ValueError("no block in which both images vary")
    return median


def block_correlation_reference(
    a: GreyImage, b: GreyImage, *, block: int = 64, sigma: float = 1.0
) -> float:
    """The same with SciPy's Gaussian filter and NumPy's correlation, in float64."""
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - not needed otherwise

    _check(a, b, block, sigma)
    x, y = (image - gaussian_filter(image.astype(np.float64), sigma) for image in (a, b))
    found = []
    for i in range(0, a.shape[0] - block + 1, block):
        for j in range(0, a.shape[1] - block + 1, block):
            here = np.s_[i : i + block, j : j + block]
            if min(x[here].var(), y[here].var()) >= MIN_VARIANCE:
                found.append(np.corrcoef(x[here].ravel(), y[here].ravel())[0, 1])
    if not found:
        raise ValueError("no block in which both images vary")
    return float(np.median(found))


def median_correlation(moments: NDArray[np.float64], count: int) -> float | None:
    """Median correlation of blocks of `count` pixels from their sums (n, 5) of a, b, aa, bb, ab.

    None if none varies in both images.
    """
    a, b, aa, bb, ab = moments.T / count
    variance_a, variance_b = aa - a * a, bb - b * b
    varies = np.minimum(variance_a, variance_b) >= MIN_VARIANCE
    if not varies.any():
        return None
    scale = np.sqrt(variance_a[varies] * variance_b[varies])
    return float(np.median((ab - a * b)[varies] / scale))


def _half_kernel(sigma: float) -> tuple[np.float32, ...]:
    taps = np.arange(int(_TRUNCATE * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (taps / sigma) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    return tuple(weights.astype(np.float32))


def _check(a: GreyImage, b: GreyImage, block: int, sigma: float) -> None:
    check_grey(a)
    check_grey(b)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ: resize one first")
    if not 0 < _TRUNCATE * sigma < block:
        raise ValueError(f"sigma {sigma} does not fit blocks of {block} pixels")
    if min(a.shape) < block:
        raise ValueError(f"{a.shape} is smaller than one block of {block} pixels")
