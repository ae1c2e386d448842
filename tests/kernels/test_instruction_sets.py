"""A processor without vector instructions beyond its architecture's gives the same results."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import numpy as np
from backlabel.hashing import hash_image, reference
from backlabel.kernels.block_dct import block_dct, block_dct_reference
from backlabel.matching.search import nearest, nearest_reference
from backlabel.matching.ssim import ssim, ssim_reference
rng = np.random.default_rng(1)
grey = rng.integers(100, 150, (197, 301), np.uint8)
found, expected = hash_image(grey), reference.hash_image(grey)
assert np.array_equal(found.standardised, expected.standardised)
assert np.array_equal(found.grey, expected.grey)
other = np.clip(grey + rng.normal(0, 9, grey.shape), 0, 255).astype(np.uint8)
assert abs(ssim(grey, other) - ssim_reference(grey, other)) < 1e-6
found, expected = (f(grey.astype(np.float32)) for f in (block_dct, block_dct_reference))
assert abs(found - expected).max() < 1e-3
hashes = rng.integers(0, 256, (300, 128), np.uint8)
found, expected = (f(hashes[:5], hashes, k=9) for f in (nearest, nearest_reference))
assert np.array_equal(found, expected)
"""


def test_results_are_the_same(tmp_path):
    plainest = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    environment = os.environ | plainest | {"BACKLABEL_CACHE_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True)
