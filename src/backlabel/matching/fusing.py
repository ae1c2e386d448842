"""Whether the fused kernels may compute on a device.

Triton compiles on the user's machine, with a C compiler and Python's headers, for a GPU that nobody
here may have seen: the first use on a device proves itself against plain torch or is not made.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from subprocess import SubprocessError

import numpy as np
import torch

from backlabel.matching.kernels import plain
from backlabel.matching.ssim import C1, C2

LARGEST_RADIUS = 16
"""Of a blur: a lane of the fused kernel keeps eight times as many sums in its registers."""
_OLDEST = (7, 5)  # compute capability that tests compile the kernels for
_WITHIN = 1e-5  # of the sums in both ways, relatively
_BLOCK = 64


@cache
def usable(device: str) -> bool:
    """Whether `device` is a GPU on which the fused kernels run and agree with plain torch.

    A RuntimeWarning says why they are not used where they should be.
    """
    if torch.device(device).type != "cuda" or find_spec("triton") is None:
        return False
    if torch.cuda.get_device_capability(device) < _OLDEST:
        return False
    from triton.errors import TritonError  # noqa: PLC0415 - comes with torch for GPUs alone

    try:
        check(device)
    except (TritonError, ImportError, OSError, RuntimeError, SubprocessError) as error:
        warnings.warn(
            f"scores are computed without the fused kernels, which fail on {device}: {error}",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


def check(device: str) -> None:
    """Raise RuntimeError unless both kernels agree with plain torch on a small pair there."""
    from backlabel.matching.kernels import fused  # noqa: PLC0415 - Triton may not be there

    noise = np.random.default_rng(0).integers(0, 256, (2, 73, 138), np.uint8)  # tiles cut off
    images = torch.from_numpy(noise).to(device)
    pairs = torch.tensor([[0, 1], [1, 1]], device=device)
    weights = torch.tensor([0.4, 0.24, 0.05, 0.009, 0.001], device=device)
    a, b = images[pairs.T]
    ways = {
        "SSIM": (
            fused.ssim(images, pairs, c1=C1 * 49 * 49, c2=C2 * 49 * 48),
            plain.ssim_uniform(a, b),
        ),
        "block moments": (
            fused.block_moments(images, pairs, block=_BLOCK, half_kernel=weights),
            plain.block_moments(a, b, _BLOCK, weights),
        ),
    }
    for name, (found, expected) in ways.items():
        off = float((found - expected).abs().max() / expected.abs().max())
        if not off < _WITHIN:
            raise RuntimeError(f"{name} differs from plain torch by {off:.1e}, relatively")
