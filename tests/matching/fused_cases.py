"""Pairs for the fused kernels: small, since an interpreter takes seconds for each."""

from __future__ import annotations

import numpy as np
from synthetic import flat, noisy, scene

ROWS = 4
"""Of a tile while interpreted, so that small images have several."""
_A = scene((80, 140), seed=1)
_B = noisy(_A, seed=2)
_BRIGHT = flat(250, (13, 19))

SSIM = {
    "four tiles": (_A[:13], _B[:13]),
    "inverted": (_A[:12, :31], 255 - _A[:12, :31]),
    "whole tiles": (_A[:10, :134], _B[20:30, :134]),
    "one window": (_A[:7, :7], _A[7:14, :7]),
    "one column of windows": (_A[:15, :7], _A[:15, 9:16]),
    "noise": tuple(np.random.default_rng(3).integers(0, 256, (2, 9, 14), np.uint8)),
    "bright": (noisy(_BRIGHT[:9], seed=4, sigma=2), noisy(_BRIGHT[:9], seed=5, sigma=2)),
    "two whites": (flat(255, (8, 8)), flat(254, (8, 8))),
    "black and white": (flat(0, (8, 8)), flat(255, (8, 8))),
    "white twice": (flat(255, (8, 8)), flat(255, (8, 8))),
}
TALL = _A[:71, :8], _A[:71, :8]
"""A whole tile of windows of SSIM 1 and one of a single row: the largest sums."""
BLOCKS = {
    "one block": (_A[:64, :64], _B[:64, :64], 64, 1.0),
    "two blocks and a rest": (_A[:37, :70], _B[:37, :70], 32, 1.0),
    "blocks of 25": (_A[:53, :27], 255 - _B[:53, :27], 25, 0.6),
    "wide blur": (_A[:32, :32], _B[:32, :32], 32, 2.5),
    "bright": (noisy(_BRIGHT, seed=6, sigma=3), noisy(_BRIGHT, seed=7, sigma=3), 9, 1.0),
}
FLAT = flat(200, (16, 16)), _A[:16, :16]
"""A residual without variance."""
