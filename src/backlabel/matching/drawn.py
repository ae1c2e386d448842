"""Which of the originals a run compares."""

from __future__ import annotations

import os
from collections.abc import Collection

import numpy as np

from backlabel.errors import ConfigError


def draw(paths: Collection[str], n_tiff: int | None, seed: int) -> set[str]:
    """All of `paths`, or the `n_tiff` that the seed draws from them in sorted order.

    Raises ConfigError where there are fewer. A TIFF is drawn with all of its pages.
    """
    if n_tiff is None:
        return set(paths)
    if n_tiff > len(paths):
        raise ConfigError(
            f"compare.n_tiff is {n_tiff}, but there are {len(paths)} TIFFs. "
            "Ask for fewer, or for all with compare.n_tiff=null."
        )
    drawn = np.random.default_rng(seed).permutation(len(paths))[:n_tiff]
    ordered = sorted(paths, key=os.fsencode)
    return {ordered[i] for i in drawn}
