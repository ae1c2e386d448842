"""Pictures that the tests of reading share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

# Beside the repository, or beside the folder that holds its worktrees.
SHARED = [folder / "shared" for folder in Path(__file__).resolve().parents[3:5]]


@pytest.fixture(scope="session")
def grey() -> np.ndarray:
    """(48, 80), every value 0..255 present, no symmetry."""
    rng = np.random.default_rng(7)
    ramp = np.add.outer(np.arange(48) * 2, np.arange(80)) % 256
    noisy = np.clip(ramp + rng.integers(-9, 10, ramp.shape), 0, 255).astype(np.uint8)
    noisy[:4, :64] = np.arange(256, dtype=np.uint8).reshape(4, 64)
    return noisy


@pytest.fixture(scope="session")
def rgb(grey: np.ndarray) -> np.ndarray:
    """(48, 80, 3), three unlike channels."""
    return np.stack([grey, np.flipud(grey), 255 - np.fliplr(grey)], axis=-1)


@pytest.fixture(scope="session")
def make_tree() -> Path:
    """The program that builds a messy research tree, where it lies beside the repository."""
    for folder in SHARED:
        program = folder / "tools" / "make_tree.py"
        if program.exists():
            return program
    pytest.skip("make_tree.py is not beside the repository")
