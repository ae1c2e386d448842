"""Local correlation of residuals against SciPy and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from synthetic import flat, noisy, scene

from backlabel.kernels.resize import to_smaller_size
from backlabel.matching import noise_correlation, tensors
from backlabel.matching.noise_correlation import (
    block_correlation,
    block_correlation_batch,
    block_correlation_reference,
)

A = scene((150, 210), seed=1)
COPY = noisy(A, seed=2, sigma=3)
OTHER = scene((150, 210), seed=3)
PARTLY_FLAT = np.where(np.arange(210) < 72, np.uint8(90), A)
CUDA = pytest.param("cuda", marks=pytest.mark.cuda)


@pytest.fixture(autouse=True)
def _device(request):
    if request.node.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def batch(pairs, *, device="cpu", batch_size=8, memory_mib=64, **others):
    return block_correlation_batch(
        pairs, device=device, batch_size=batch_size, memory_mib=memory_mib, **others
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [(A, COPY), (A, OTHER), (A, 255 - A), (A[:64, :64], COPY[:64, :64]), (PARTLY_FLAT, A)],
    ids=["copy", "other", "inverted", "one block", "partly flat"],
)
@pytest.mark.parametrize(
    ("block", "sigma"), [(64, 1.0), (32, 1.0), (25, 0.6), (64, 2.6), (20, 4.8)]
)
def test_agrees_with_reference(a, b, block, sigma):
    found = block_correlation(a, b, block=block, sigma=sigma)
    expected = block_correlation_reference(a, b, block=block, sigma=sigma)
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("block", "sigma"), [(64, 1.0), (96, 1.0), (64, 5.0), (272, 9.0)])
def test_large_images_and_blurs_agree_with_reference(block, sigma):
    image = scene((290, 733), seed=4)
    copy = noisy(image, seed=5, sigma=3)
    found = block_correlation(image, copy, block=block, sigma=sigma)
    expected = block_correlation_reference(image, copy, block=block, sigma=sigma)
    assert found == pytest.approx(expected, abs=1e-6)


def test_of_an_image_with_itself_is_one():
    assert block_correlation(A, A) == pytest.approx(1, abs=1e-6)


def test_of_an_inverted_image_is_minus_one():
    assert block_correlation(A, 255 - A) == pytest.approx(-1, abs=1e-5)


def test_copy_and_another_frame_lie_far_apart():
    frame, again = (scene((192, 192), seed=7, noise=0), scene((192, 192), seed=7, noise=0))
    first, second = noisy(frame, seed=8, sigma=6), noisy(again, seed=9, sigma=6)
    assert block_correlation(first, noisy(first, seed=10, sigma=2)) > 0.8
    assert abs(block_correlation(first, second)) < 0.1


def test_a_shared_databar_does_not_decide():
    first, second = scene((256, 192), seed=4), scene((256, 192), seed=5)
    first[-32:] = second[-32:] = (np.arange(192) // 3 % 2 * 255).astype(np.uint8)
    whole = np.corrcoef(np.diff(first.astype(int)).ravel(), np.diff(second.astype(int)).ravel())
    assert whole[0, 1] > 0.9
    assert abs(block_correlation(first, second, block=32)) < 0.1


def test_flat_blocks_count_for_nothing():
    # the left third is constant in one image and not in the other
    assert block_correlation(PARTLY_FLAT, A) > 0.9


@pytest.mark.parametrize("measure", [block_correlation, block_correlation_reference])
@pytest.mark.parametrize("value", [0, 90, 255])
def test_flat_image_is_an_error_not_a_number(measure, value):
    with pytest.raises(ValueError, match="no block"):
        measure(flat(value), A[:70, :90])


def test_one_pixel_is_variance_enough():
    a = flat(200)
    a[30, 30] += 1
    assert block_correlation(a, a) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_batch_of_mixed_pairs(device):
    pairs = [(A, COPY), (A, OTHER), (flat(9), A[:70, :90]), (A[:40], A[:40]), (A[:70], COPY[:70])]
    found = batch(pairs, device=device)
    assert found[2:4] == [None, None]
    expected = [block_correlation_reference(*pairs[i]) for i in (0, 1, 4)]
    assert [found[0], found[1], found[4]] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 50])
@pytest.mark.parametrize("memory_mib", [1, 3, 500])
def test_tensors_agree_with_the_compiled_loop(batch_size, memory_mib):
    pairs = [(A, COPY), (A, OTHER), (A[:100, :100], COPY[:100, :100]), (COPY, A)]
    kernel = noise_correlation._half_kernel(1.0)
    bounds = tensors.Bounds("cpu", batch_size, memory_mib)
    found = tensors.block_moments(pairs, block=64, kernel=kernel, bounds=bounds)
    medians = [noise_correlation.median_correlation(sums, 64 * 64) for sums in found]
    assert medians == pytest.approx([block_correlation(*pair) for pair in pairs], abs=1e-6)


def test_batch_does_not_depend_on_order_or_threads():
    pairs = [(A, COPY), (A, OTHER), (flat(9), A[:70, :90])]
    found = batch(pairs)
    assert batch(pairs[::-1]) == found[::-1]
    assert batch(pairs, threads=2) == found


def test_unequal_pair_is_brought_to_the_smaller_size():
    small = A[::2, ::2]
    assert batch([(A, small)]) == [block_correlation(*to_smaller_size(A, small))]
    assert batch([(small, A)]) == batch([(A, small)])


@pytest.mark.parametrize(
    ("a", "b", "options", "text"),
    [
        (A[:63], A[:63], {}, "smaller than one block"),
        (A, A[:-1], {}, "differ"),
        (A.astype(np.float32), A, {}, "not an 8-bit grey image"),
        (A, A, {"sigma": 0.0}, "does not fit"),
        (A, A, {"sigma": 16.0}, "does not fit"),
    ],
    ids=["too small", "unequal", "floats", "no blur", "blur beyond a block"],
)
@pytest.mark.parametrize("measure", [block_correlation, block_correlation_reference])
def test_refuses(measure, a, b, options, text):
    with pytest.raises(ValueError, match=text):
        measure(a, b, **options)


def test_empty_batch():
    assert batch([]) == []
