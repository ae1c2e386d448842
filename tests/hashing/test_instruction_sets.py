"""Vectors of other processors give the same bits: they are chosen when the modules are imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import llvmlite.binding as llvm
features = llvm.FeatureMap(dict.fromkeys({features!r}, True))
llvm.get_host_cpu_features = lambda: features
import numpy as np
from backlabel.hashing import _kernels, _plain
from backlabel.kernels.lanes import LANES
from backlabel.matching.noise_correlation import block_correlation, block_correlation_reference
from backlabel.matching.ssim import ssim, ssim_reference
grey = np.random.default_rng(1).integers(100, 150, (197, 301), np.uint8)
table = np.arange(256, dtype=np.uint8)[::-1].copy()
expected = np.stack([_plain.resize(table[grey]), _plain.resize(grey)], axis=1)
assert LANES == {lanes}
assert np.array_equal(_kernels.thumbnails(grey, table), expected)
assert np.array_equal(_kernels.low_rows(expected), _plain.low_rows(expected))
other = np.clip(grey + np.random.default_rng(2).normal(0, 9, grey.shape), 0, 255).astype(np.uint8)
assert abs(ssim(grey, other) - ssim_reference(grey, other)) < 1e-6
found, expected = (f(grey, other) for f in (block_correlation, block_correlation_reference))
assert abs(found - expected) < 1e-5
"""


@pytest.mark.parametrize(("features", "lanes"), [((), 8), (("avx2",), 8)])
def test_hashes_and_scores_are_the_same(
    tmp_path: Path, features: tuple[str, ...], lanes: int
) -> None:
    if "avx2" in features and "avx2" not in Path("/proc/cpuinfo").read_text(encoding="ascii"):
        pytest.skip("this processor has no AVX2")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_CACHE_LOCATOR_CLASSES", None)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    program = PROGRAM.format(features=features, lanes=lanes)
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == 0
