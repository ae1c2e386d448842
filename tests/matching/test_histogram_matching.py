"""Histogram matching against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic import flat, scene

from backlabel.matching.histogram_matching import match_histogram, match_histogram_reference

A = scene((90, 121), seed=1)
GREY = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 30)))


@pytest.mark.parametrize(
    "reference",
    [scene((90, 121), seed=2), 255 - A, scene((40, 50), seed=3), flat(7), A // 64 * 64],
    ids=["other", "inverted", "smaller", "flat", "four values"],
)
def test_equals_scikit_image(reference):
    expected = match_histogram_reference(A, reference)
    assert np.array_equal(match_histogram(A, reference), expected)


@settings(deadline=None, max_examples=60)
@given(image=GREY, reference=GREY)
def test_equals_on_any_image(image, reference):
    expected = match_histogram_reference(image, reference)
    assert np.array_equal(match_histogram(image, reference), expected)


def test_its_own_histogram_changes_nothing():
    assert np.array_equal(match_histogram(A, A), A)


def test_undoes_a_change_of_contrast():
    assert np.array_equal(match_histogram(A // 2 + 40, A // 2), A // 2)


@pytest.mark.parametrize("wrong", [A.astype(np.uint16), A[:0], A.ravel()])
def test_refuses(wrong):
    with pytest.raises(ValueError, match="not an 8-bit grey image"):
        match_histogram(wrong, A)
