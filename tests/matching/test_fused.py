"""The fused kernels: interpreted, compiled ahead of time, and on a GPU where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fused_cases import BLOCKS, FLAT, SSIM
from synthetic import noisy, scene

from backlabel.matching import fusing, kernels, residual, tensors
from backlabel.matching.kernels import plain
from backlabel.matching.residual import block_correlation_reference, median_correlation
from backlabel.matching.ssim import ssim_reference

SRC = Path(__file__).parents[2] / "src"
TRITON = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
POINTERS = {"images": "*u8", "pairs": "*i64", "height": "i32", "width": "i32"}


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    results = tmp_path_factory.mktemp("fused") / "results.npz"
    subprocess.run(
        [sys.executable, "-W", "error", Path(__file__).with_name("interpreted.py"), results],
        env=os.environ
        | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join([str(SRC), *sys.path])},
        check=True,
    )
    return np.load(results)


@TRITON
@pytest.mark.parametrize("name", SSIM)
def test_ssim_agrees_with_scikit_image(interpreted, name):
    found = interpreted["ssim"][list(SSIM).index(name)]
    assert found == pytest.approx(ssim_reference(*SSIM[name]), abs=1e-6)


@TRITON
def test_sums_hold_over_a_tile_of_the_largest_values(interpreted):
    assert interpreted["tall"] == pytest.approx(1, abs=1e-6)


@TRITON
def test_strips_change_not_one_bit(interpreted):
    assert interpreted["strips"] == interpreted["ssim"][list(SSIM).index("inverted")]


@TRITON
@pytest.mark.parametrize("name", BLOCKS)
def test_block_correlation_agrees_with_scipy(interpreted, name):
    a, b, block, sigma = BLOCKS[name]
    found = median_correlation(interpreted[f"blocks, {name}"], block * block)
    expected = block_correlation_reference(a, b, block=block, sigma=sigma)
    assert found == pytest.approx(expected, abs=1e-5)


@TRITON
def test_a_flat_block_has_no_correlation(interpreted):
    assert median_correlation(interpreted["flat"], 16 * 16) is None
    with pytest.raises(ValueError, match="no block"):
        block_correlation_reference(*FLAT, block=16)


@TRITON
@pytest.mark.parametrize("capability", [75, 90, 100])
@pytest.mark.parametrize(
    ("kernel", "radius"),
    [("ssim_tiles", 0), ("moments_of_blocks", 4), ("moments_of_blocks", fusing.LARGEST_RADIUS)],
)
def test_compiles_ahead_of_time(capability, kernel, radius, monkeypatch, tmp_path):
    from triton import compile as compiled  # noqa: PLC0415 - may not be there
    from triton.backends.compiler import GPUTarget  # noqa: PLC0415
    from triton.compiler import ASTSource  # noqa: PLC0415

    from backlabel.matching.kernels import fused  # noqa: PLC0415

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    others, constants = {
        "ssim_tiles": (
            {"sums": "*i64", "c1": "fp32", "c2": "fp32"},
            {"rows": fused.ROWS, "lanes": fused.LANES},
        ),
        "moments_of_blocks": (
            {"kernel": "*fp32", "moments": "*fp64"},
            {"block": 64, "lanes": 32, "radius": radius},
        ),
    }[kernel]
    source = ASTSource(getattr(fused, kernel), POINTERS | others, constants)
    made = compiled(
        source, target=GPUTarget("cuda", capability, 32), options={"num_warps": fused.WARPS}
    )
    assert f".target sm_{capability}" in made.asm["ptx"]
    assert made.asm["cubin"].startswith(b"\x7fELF")
    assert "atom." not in made.asm["ptx"]  # whose order would change sums


def test_not_used_without_a_gpu():
    assert not fusing.usable("cpu")


@TRITON
@pytest.mark.parametrize("capability", [(7, 0), (9, 0)])
def test_used_where_they_are_proven(monkeypatch, capability):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    monkeypatch.setattr(fusing, "check", lambda _device: None)
    assert fusing.usable.__wrapped__("cuda") is (capability == (9, 0))


@TRITON
def test_a_failure_is_told_and_plain_torch_used(monkeypatch):
    def fail(_device):
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    monkeypatch.setattr(fusing, "check", fail)
    with pytest.warns(RuntimeWarning, match="Failed to find C compiler"):
        assert not fusing.usable.__wrapped__("cuda")


@pytest.mark.parametrize("wrong", ["SSIM", "block moments", ""])
def test_check_finds_a_difference(monkeypatch, wrong):
    def ssim(images, pairs, **_constants):
        return plain.ssim_uniform(*images[pairs.T]) * (1 + 1e-4 * (wrong == "SSIM"))

    def moments(images, pairs, *, block, half_kernel):
        sums = plain.block_moments(*images[pairs.T], block, half_kernel)
        return sums * (1 + 1e-4 * (wrong == "block moments"))

    fake = SimpleNamespace(ssim=ssim, block_moments=moments)
    monkeypatch.setattr(kernels, "fused", fake, raising=False)
    if wrong:
        with pytest.raises(RuntimeError, match=f"{wrong} differs"):
            fusing.check("cpu")
    else:
        fusing.check("cpu")


@pytest.fixture
def on_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assert fusing.usable("cuda")


LARGE = [scene((300, 1100), seed=5), scene((300, 1100), seed=6)]
GPU = tensors.Bounds("cuda", 8, 256)


@pytest.mark.cuda
@pytest.mark.usefixtures("on_gpu")
def test_gpu_ssim_agrees_with_scikit_image():
    pairs = [*SSIM.values(), tuple(LARGE), (LARGE[0], noisy(LARGE[0], seed=7))]
    found = tensors.ssim(pairs, window="uniform", bounds=GPU)
    assert found == pytest.approx([ssim_reference(*pair) for pair in pairs], abs=1e-6)


@pytest.mark.cuda
@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize("bounds", [(1, 256), (3, 1), (100, 256)])
def test_gpu_bounds_change_not_one_bit(bounds):
    pairs = [tuple(LARGE), tuple(LARGE[::-1]), (LARGE[0], LARGE[0]), *SSIM.values()]
    found = tensors.ssim(pairs, window="uniform", bounds=tensors.Bounds("cuda", *bounds))
    expected = tensors.ssim(pairs, window="uniform", bounds=GPU)
    assert found.tolist() == expected.tolist()


@pytest.mark.cuda
@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize("case", [*BLOCKS.values(), (*LARGE, 64, 1.0)])
def test_gpu_block_correlation_agrees_with_scipy(case):
    a, b, block, sigma = case
    kernel = residual._half_kernel(sigma)
    found = tensors.block_moments([(a, b)], block=block, kernel=kernel, bounds=GPU)[0]
    expected = block_correlation_reference(a, b, block=block, sigma=sigma)
    assert median_correlation(found, block * block) == pytest.approx(expected, abs=1e-5)
