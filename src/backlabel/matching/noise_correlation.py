"""Whether two images share their noise: local correlation of what a slight blur takes away.

A copy carries the noise of its original; the next frame of the same field, or another detector's,
does not. One correlation over the whole image is fooled by a databar that both share, so every
block is correlated on its own and the median taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.images.luma import check_grey
from backlabel.kernels.block_correlation import block_moments
from backlabel.kernels.resize import to_smaller_size

MIN_VARIANCE = 1e-4
"""Below it (in squared grey levels) a block's residual is rounding noise. One pixel that differs by
one level gives a block of 64x64 twice as much."""
_Pair = tuple[GreyImage, GreyImage]
_TRUNCATE = 4  # the blur's radius in sigmas, as scipy.ndimage.gaussian_filter has it


def block_correlation(a: GreyImage, b: GreyImage, *, block: int = 64, sigma: float = 1.0) -> float:
    """Median over whole blocks of the correlation of `x - gaussian(x, sigma)`, from -1 to 1.

    `a` and `b` have one shape (H, W), `block` is in pixels. Blocks in which either
    residual is constant count for nothing. Raises ValueError for anything else, for images smaller
    than one block, or if no block is left.
    """
    _check(a, b, block, sigma)
    median = median_correlation(_moments(a, b, block, _half_kernel(sigma)), block * block)
    if median is None:
        raise ValueError("no block in which both images vary")
    return median


def block_correlation_batch(
    pairs: Sequence[tuple[GreyImage, GreyImage]],
    *,
    device: str,
    batch_size: int,
    memory_mib: int,
    block: int = 64,
    sigma: float = 1.0,
    threads: int = 1,
) -> list[float | None]:
    """`block_correlation` of every pair; within a pair the larger image is resized to the smaller.

    None stands for a pair without a block to compare: smaller than one, or none varies in both.
    `device`, `batch_size`, `memory_mib` and `threads` are those of `ssim.ssim_batch`; they change
    results by no more than 1e-5. Raises ValueError for other types.
    """
    if min(batch_size, memory_mib, threads) < 1:
        raise ValueError("batch_size, memory_mib and threads must be 1 or more")
    same = [to_smaller_size(a, b) for a, b in pairs]
    fits = [pair for pair in same if min(pair[0].shape) >= block]
    for a, b in fits:
        _check(a, b, block, sigma)
    kernel = _half_kernel(sigma)
    if device == "cpu":
        moments = _on_threads(lambda pair: _moments(pair[0], pair[1], block, kernel), fits, threads)
    else:
        from backlabel.matching import tensors  # noqa: PLC0415 - torch takes seconds to import

        bounds = tensors.Bounds(device, batch_size, memory_mib)
        moments = tensors.block_moments(fits, block=block, kernel=kernel, bounds=bounds)
    medians = iter([median_correlation(sums, block * block) for sums in moments])
    return [next(medians) if min(a.shape) >= block else None for a, b in same]


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


def _moments(
    a: GreyImage, b: GreyImage, block: int, kernel: NDArray[np.float32]
) -> NDArray[np.float64]:
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    kernel = np.pad(kernel, (0, 1 - len(kernel) % 2))  # the compiled loop takes two taps at once
    return block_moments(a, b, block, kernel).reshape(-1, 5)


def _on_threads(
    function: Callable[[_Pair], NDArray[np.float64]], pairs: Sequence[_Pair], threads: int
) -> list[NDArray[np.float64]]:
    if threads == 1:  # a thread would take as long to start as the work
        return [function(pair) for pair in pairs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, pairs))


def _half_kernel(sigma: float) -> NDArray[np.float32]:
    """From the centre outwards."""
    weights = np.exp(-0.5 * (np.arange(int(_TRUNCATE * sigma + 0.5) + 1) / sigma) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    return weights.astype(np.float32)


def _check(a: GreyImage, b: GreyImage, block: int, sigma: float) -> None:
    check_grey(a)
    check_grey(b)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ: resize one first")
    if not 0 < _TRUNCATE * sigma < block:
        raise ValueError(f"sigma {sigma} does not fit blocks of {block} pixels")
    if min(a.shape) < block:
        raise ValueError(f"{a.shape} is smaller than one block of {block} pixels")
