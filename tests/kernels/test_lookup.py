"""Pixels through tables, against NumPy's indexing."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.kernels.lookup import through, through_reference


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(0,), (1, 1), (50, 61), (3, 5, 7), (401, 403)], ids=str)
def test_is_indexing(kind, shape):
    rng = np.random.default_rng(3)
    table = rng.integers(0, 256, np.iinfo(kind).max + 1, dtype=np.uint8)
    pixels = rng.integers(0, len(table), shape).astype(kind)
    assert np.array_equal(through(table, pixels), through_reference(table, pixels))


def test_read_only_and_strided_arrays():
    table, pixels = np.arange(256, dtype=np.uint8)[::-1], np.arange(200, dtype=np.uint8)[::3]
    pixels.flags.writeable = False
    assert np.array_equal(through(table, pixels), 255 - pixels)


@pytest.mark.parametrize(("rows", "kind"), [(3, np.uint8), (256, np.uint16), (65536, np.uint8)])
def test_a_table_that_does_not_fit_is_refused(rows, kind):
    with pytest.raises(ValueError, match=f"table of {rows} rows"):
        through(np.zeros(rows, np.uint8), np.zeros((2, 2), kind))
