"""SSIM against scikit-image, on every path."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic import flat, noisy, scene

from backlabel.kernels.resize import to_common_size
from backlabel.matching import tensors
from backlabel.matching.ssim import ssim, ssim_batch, ssim_reference

A = scene((96, 130), seed=1)
CHECKER = (np.indices((40, 50)).sum(axis=0) % 2 * 255).astype(np.uint8)
PAIRS = {
    "noise": (A, noisy(A, seed=2)),
    "itself": (A, A),
    "inverted": (A, 255 - A),
    "bright": (noisy(flat(250), seed=3), noisy(flat(250), seed=4)),
    "two whites": (flat(255), flat(254)),
    "black and white": (flat(0), flat(255)),
    "white twice": (flat(255), flat(255)),
    "checkers": (CHECKER, 255 - CHECKER),
    "one window": (A[:7, :7], A[7:14, :7]),
    "one row of windows": (A[:7], A[10:17]),
    "one column of windows": (A[:, :7], A[:, 9:16]),
    "large": (scene((300, 1100), seed=5), scene((300, 1100), seed=6)),
    "wide": (scene((20, 3301), seed=7), scene((20, 3301), seed=8)),
}
SMALL = arrays(np.uint8, st.tuples(st.integers(7, 20), st.integers(7, 40)))
CUDA = pytest.param("cuda", marks=pytest.mark.cuda)


@pytest.fixture(autouse=True)
def _device(request):
    if request.node.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def batch(pairs, *, device="cpu", batch_size=8, memory_mib=64, **others):
    return ssim_batch(pairs, device=device, batch_size=batch_size, memory_mib=memory_mib, **others)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_agrees_with_scikit_image(pair):
    assert ssim(*pair) == pytest.approx(ssim_reference(*pair), abs=1e-6)


def test_read_only_images():
    a, b = A.copy(), noisy(A, seed=2)
    a.setflags(write=False)
    assert ssim(a, b) == ssim(A, b)


@settings(deadline=None, max_examples=60)
@given(image=SMALL, seed=st.integers(0, 99))
def test_agrees_on_any_image(image, seed):
    other = np.random.default_rng(seed).permutation(image.ravel()).reshape(image.shape)
    assert ssim(image, other) == pytest.approx(ssim_reference(image, other), abs=1e-6)


def test_of_an_image_with_itself_is_one():
    assert ssim(A, A) == pytest.approx(1, abs=1e-6)


def test_constant_images_by_formula():
    # without variance SSIM is (2 x y + C1) / (x x + y y + C1), C1 = 2.55**2
    expected = (2 * 10 * 20 + 2.55**2) / (10 * 10 + 20 * 20 + 2.55**2)
    assert ssim(flat(10), flat(20)) == pytest.approx(expected, abs=1e-6)


def test_sums_hold_in_the_largest_window_values():
    assert ssim(flat(255, (7, 4000)), flat(255, (7, 4000))) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("window", ["uniform", "gaussian"])
def test_tensors_agree_with_scikit_image(window):
    pairs = [pair for pair in PAIRS.values() if min(pair[0].shape) >= 11]
    found = tensors.ssim(pairs, window=window, bounds=tensors.Bounds("cpu", 4, 64))
    expected = [ssim_reference(*pair, window=window) for pair in pairs]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("window", ["uniform", "gaussian"])
def test_batch_of_mixed_sizes(device, window):
    pairs = [pair for pair in PAIRS.values() if min(pair[0].shape) >= 11]
    expected = [ssim_reference(*pair, window=window) for pair in pairs]
    tolerance = 1e-6 if device == "cpu" else 1e-4
    assert batch(pairs, device=device, window=window) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize("memory_mib", [1, 2, 500])
@pytest.mark.parametrize("window", ["uniform", "gaussian"])
def test_tensors_do_not_depend_on_the_bounds(batch_size, memory_mib, window):
    pairs = [PAIRS["noise"], PAIRS["large"], PAIRS["inverted"], PAIRS["large"][::-1]]
    one = [tensors.ssim([p], window=window, bounds=tensors.Bounds("cpu", 1, 900))[0] for p in pairs]
    bounds = tensors.Bounds("cpu", batch_size, memory_mib)
    found = tensors.ssim(pairs, window=window, bounds=bounds)
    assert found == pytest.approx(one, abs=1e-9)


def test_batch_does_not_depend_on_order_or_threads():
    pairs = list(PAIRS.values())
    found = batch(pairs)
    assert batch(pairs[::-1]).tolist() == found[::-1].tolist()
    assert batch(pairs, threads=3).tolist() == found.tolist()


def test_unequal_pair_is_brought_to_the_larger_size():
    small = A[::2, ::2]
    assert batch([(A, small)])[0] == ssim(*to_common_size(A, small))
    assert batch([(small, A)])[0] == batch([(A, small)])[0]


def test_batches_shrink_when_the_device_is_full(monkeypatch):
    sizes = []
    measure = tensors.ssim_uniform

    def full_above_two(a, b):
        sizes.append(len(a))
        if len(a) > 2:
            raise torch.cuda.OutOfMemoryError("full")
        return measure(a, b)

    monkeypatch.setattr(tensors, "ssim_uniform", full_above_two)
    pairs = [(A, noisy(A, seed=seed)) for seed in range(5)]
    found = tensors.ssim(pairs, window="uniform", bounds=tensors.Bounds("cpu", 5, 64))
    assert sizes == [5, 2, 2, 1]
    assert found == pytest.approx([ssim(*pair) for pair in pairs], abs=1e-6)


def test_memory_bound_is_kept(monkeypatch):
    pixels = []
    measure = tensors.ssim_uniform

    def record(a, b):
        pixels.append(a.numel())
        return measure(a, b)

    monkeypatch.setattr(tensors, "ssim_uniform", record)
    bounds = tensors.Bounds("cpu", 100, 2)
    tensors.ssim([PAIRS["large"], *[PAIRS["noise"]] * 9], window="uniform", bounds=bounds)
    assert max(pixels) <= bounds.pixels < PAIRS["large"][0].size


def test_empty_batch():
    assert batch([]).shape == (0,)


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (A[:6], A[:6], "below the 7 pixels"),
        (A, A[:-1], "differ"),
        (A.astype(np.float64), A, "not an 8-bit grey image"),
        (A[None], A[None], "not an 8-bit grey image"),
    ],
    ids=["too small", "unequal", "floats", "three axes"],
)
@pytest.mark.parametrize("measure", [ssim, ssim_reference])
def test_refuses(measure, a, b, text):
    with pytest.raises(ValueError, match=text):
        measure(a, b)


@pytest.mark.parametrize("wrong", ["batch_size", "memory_mib", "threads"])
def test_refuses_empty_bounds(wrong):
    with pytest.raises(ValueError, match="1 or more"):
        batch([(A, A)], **{wrong: 0})


def test_gaussian_needs_eleven_pixels():
    with pytest.raises(ValueError, match="below the 11 pixels"):
        batch([(A[:10], A[:10])], window="gaussian")
