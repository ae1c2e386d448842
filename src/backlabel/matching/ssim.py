"""Structural similarity of 8-bit grey images (Wang et al. 2004, doi:10.1109/TIP.2003.819861).

The mean over all windows that lie within the image, as scikit-image computes it: 7x7 uniform
windows, sample covariance, K1 = 0.01, K2 = 0.03, data range 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.images.luma import check_grey
from backlabel.kernels.resize import to_common_size
from backlabel.kernels.ssim import ssim_sum

Window = Literal["uniform", "gaussian"]

C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2
SIDE: dict[Window, int] = {"uniform": 7, "gaussian": 11}
"""Pixels on a side of each window; the Gaussian one is cut off at 3.5 sigma."""
SIGMA = 1.5


def ssim(a: GreyImage, b: GreyImage) -> float:
    """Mean SSIM of two images of one shape (H, W), from -1 to 1, within 1e-6 of scikit-image.

    Raises ValueError for other types, unequal shapes, or sides below 7 pixels.
    """
    check(a, b, "uniform")
    count = (a.shape[0] - 6) * (a.shape[1] - 6)
    own, other = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return float(ssim_sum(own, other, C1 * 49 * 49, C2 * 49 * 48) / count)


def ssim_reference(a: GreyImage, b: GreyImage, *, window: Window = "uniform") -> float:
    """The same from scikit-image in float64; the Gaussian window as its authors used it."""
    from skimage.metrics import structural_similarity  # noqa: PLC0415 - slow to import

    check(a, b, window)
    if window == "uniform":
        return float(structural_similarity(a, b, data_range=255))  # type: ignore[no-untyped-call]
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            a, b, data_range=255, gaussian_weights=True, sigma=SIGMA, use_sample_covariance=False
        )
    )


def ssim_batch(
    pairs: Sequence[tuple[GreyImage, GreyImage]],
    *,
    device: str,
    batch_size: int,
    memory_mib: int,
    window: Window = "uniform",
    threads: int = 1,
) -> NDArray[np.float64]:
    """Mean SSIM of every pair (n,); within a pair the smaller image is resized to the larger.

    `device` is "cpu" or a torch device; `batch_size` and `memory_mib` bound what is on it at once,
    large images are cut into strips, and where the device's memory is too small all the same, the
    batches shrink. `threads` is for "cpu". No argument but `window` changes the results, by more
    than 1e-6 on a CPU or 1e-4 on a GPU. Raises ValueError as `ssim` does.
    """
    if min(batch_size, memory_mib, threads) < 1:
        raise ValueError("batch_size, memory_mib and threads must be 1 or more")
    if device == "cpu" and window == "uniform":
        with ThreadPoolExecutor(threads) as pool:
            return np.fromiter(pool.map(ssim_of_pair, pairs), np.float64, len(pairs))
    from backlabel.matching import tensors  # noqa: PLC0415 - torch takes seconds to import

    same = [to_common_size(a, b) for a, b in pairs]
    for a, b in same:
        check(a, b, window)
    bounds = tensors.Bounds(device, batch_size, memory_mib)
    return tensors.ssim(same, window=window, bounds=bounds)


def ssim_of_pair(pair: tuple[GreyImage, GreyImage]) -> float:
    """`ssim` of a pair of any two shapes, the smaller image resized to the larger."""
    return ssim(*to_common_size(*pair))


def check(a: GreyImage, b: GreyImage, window: Window) -> None:
    """Raise ValueError unless both are 8-bit grey images of one shape that holds a window."""
    for image in (a, b):
        check_grey(image)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ: resize one first")
    if min(a.shape) < SIDE[window]:
        raise ValueError(f"{a.shape} is below the {SIDE[window]} pixels of a window")
