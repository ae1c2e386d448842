"""The loops over coefficients and tiles against public libraries, on odd and extreme input."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.kernels.block_dct import block_dct, block_dct_reference, inverse
from backlabel.kernels.commonest import commonest, commonest_reference
from backlabel.kernels.local_lookup import local_lookup, local_lookup_reference
from backlabel.kernels.reproduced import reproduced, reproduced_reference

SHAPES = [(8, 8), (17, 23), (96, 64), (200, 301), (7, 40), (0, 16)]


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_transform_is_that_of_scipy(shape: tuple[int, int]) -> None:
    image = noise(shape).astype(np.float32)
    found, expected = block_dct(image), block_dct_reference(image)
    assert found.shape == (shape[0] // 8, 8, 8, shape[1] // 8)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_flat_block_has_its_mean_alone() -> None:
    found = block_dct(np.full((8, 8), 200, np.float32))
    assert found[0, 0, 0, 0] == pytest.approx(8 * 200, abs=1e-3)
    assert np.abs(found).sum() == pytest.approx(8 * 200, abs=1e-2)


def test_inverse_gives_the_image_back() -> None:
    image = noise((40, 72)).astype(np.float32)
    np.testing.assert_allclose(inverse(block_dct(image)), image, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step", [1, 40])
def test_counts_are_those_of_numpy(shape: tuple[int, int], step: int) -> None:
    ours, theirs = (block_dct(noise(shape, seed).astype(np.float32)) for seed in (1, 2))
    steps = np.full((8, 8), step, np.float32)
    chance = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    found, expected = (
        f(ours, theirs, steps, chance, 0.5) for f in (reproduced, reproduced_reference)
    )
    np.testing.assert_allclose(found[:2], expected[:2], atol=1e-4)
    np.testing.assert_allclose(found[2:], expected[2:], rtol=1e-4, atol=1.0)


def test_what_is_rounded_to_the_same_number_is_reproduced() -> None:
    ours = block_dct(noise((64, 64)).astype(np.float32))
    steps = np.arange(1, 65, dtype=np.float32).reshape(8, 8)
    theirs = np.rint(ours / steps[:, :, np.newaxis]) * steps[:, :, np.newaxis]
    telling, same = reproduced(ours, theirs, steps, np.zeros_like(steps), 0.01)[:2]
    np.testing.assert_array_equal(telling, same)
    assert telling.min() > 30


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", [4, 32])
def test_commonest_is_that_of_numpy(shape: tuple[int, int], side: int) -> None:
    image = noise(shape) // 40
    np.testing.assert_array_equal(commonest(image, side), commonest_reference(image, side))


@pytest.mark.parametrize("shape", [(8, 8), (17, 23), (33, 64)])
@pytest.mark.parametrize("step", [4, 16])
def test_local_tables_are_interpolated_as_by_scipy(shape: tuple[int, int], step: int) -> None:
    grid = shape[0] // step + 2, shape[1] // step + 2, 256
    tables = np.random.default_rng(3).random(grid).astype(np.float32)
    image = noise(shape)
    found, expected = (f(image, tables, step) for f in (local_lookup, local_lookup_reference))
    np.testing.assert_allclose(found, expected, atol=1e-5)
