"""The DCT that the hash is made from, against SciPy's: the same bits, not only the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from backlabel.hashing import _kernels, _plain
from backlabel.hashing.dct import dct, roots_of_unity

LINES = {
    "flat": np.full(128, 7.0),
    "rising": np.arange(128.0),
    "alternating": np.arange(128) % 2 * 255.0,
    "one point": np.eye(128)[5] * 255,
    "cosine": np.cos(np.pi * 9 * (2 * np.arange(128) + 1) / 256) * 100,
}


@pytest.mark.parametrize("name", LINES)
def test_formula_is_scipys_for_lines_of_few_frequencies(name: str) -> None:
    assert np.array_equal(dct(LINES[name]), scipy.fft.dct(LINES[name]))


def test_formula_is_scipys_for_noise() -> None:
    noise = np.random.default_rng(3).normal(0, 1e4, (128, 500))
    assert np.array_equal(np.array(dct(noise)), scipy.fft.dct(noise, axis=0))


@pytest.mark.parametrize("n", [128, 512])
def test_roots_of_unity_are_right_to_the_last_digits(n: int) -> None:
    angles = 2 * np.arange(n, dtype=np.longdouble) / n * np.longdouble("3.14159265358979323846264")
    exact = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float64)
    assert np.allclose(roots_of_unity(n), exact, rtol=0, atol=4e-16)


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 3]), st.sampled_from([2, 9, 256]))
@settings(max_examples=40, deadline=None)
def test_compiled_rows_are_scipys(seed: int, count: int, levels: int) -> None:
    images = np.random.default_rng(seed).integers(0, levels, (128, count, 128), np.uint8)
    assert np.array_equal(_kernels.low_rows(images), _plain.low_rows(images))


def test_compiled_rows_are_scipys_where_coefficients_are_equal_in_truth() -> None:
    y, x = np.mgrid[:128, :128]
    patterns = [x * 2, y * 2, (x + y) % 2 * 255, x // 64 * 255, np.full_like(x, 9), (x == y) * 255]
    images = np.stack(patterns, axis=1).astype(np.uint8)
    assert np.array_equal(_kernels.low_rows(images), _plain.low_rows(images))
