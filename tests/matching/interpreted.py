"""Scores by the fused kernels without a GPU, for test_fused.py.

Triton interprets its kernels only if the environment says so before it is imported, so this is a
process of its own: `python interpreted.py RESULTS.npz`.
"""

from __future__ import annotations

import sys

import numpy as np
from fused_cases import BLOCKS, FLAT, ROWS, SSIM, TALL

from backlabel.matching import fusing, residual, tensors
from backlabel.matching.kernels import fused

BOUNDS = tensors.Bounds("cpu", 4, 64)


def ssim(pairs):
    return tensors.ssim(pairs, window="uniform", bounds=BOUNDS)


def moments(a, b, block, sigma):
    kernel = residual._half_kernel(sigma)
    return tensors.block_moments([(a, b)], block=block, kernel=kernel, bounds=BOUNDS)[0]


def in_strips(pair):
    """SSIM with room for strips of eight rows alone."""
    tensors._FUSED_BYTES_PER_PIXEL = BOUNDS.memory_mib * 2**20 // (8 * pair[0].shape[1])
    return ssim([pair])


def main() -> None:
    fusing.usable = lambda _device: True
    found = {"tall": ssim([TALL]), "flat": moments(*FLAT, 16, 1.0)}
    fused.ROWS = ROWS
    found["ssim"] = ssim(list(SSIM.values()))
    found |= {f"blocks, {name}": moments(*case) for name, case in BLOCKS.items()}
    found["strips"] = in_strips(SSIM["inverted"])
    np.savez(sys.argv[1], **found)


main()
