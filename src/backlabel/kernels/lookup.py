"""Pixels through a table: `table[pixels]`, for which NumPy takes ten times as long."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint8, uint16
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads, writes

Pixels = NDArray[np.uint8 | np.uint16]

_LARGE = 1 << 17  # pixels, for which a table of 65,536 pairs pays


def through(table: NDArray[np.uint8], pixels: Pixels) -> NDArray[np.uint8]:
    """`table[pixels]`, of any shape. Raises ValueError unless each possible pixel has a row."""
    if len(table) != np.iinfo(pixels.dtype).max + 1:
        raise ValueError(f"a table of {len(table)} rows for pixels of {pixels.dtype}")
    out = np.empty(pixels.shape, np.uint8)
    flat = np.ascontiguousarray(pixels).reshape(-1)
    look_up: Any = _look_up_8 if pixels.dtype == np.uint8 else _look_up_16
    look_up(np.ascontiguousarray(table), flat, out.reshape(-1))
    return out


def through_reference(table: NDArray[np.uint8], pixels: Pixels) -> NDArray[np.uint8]:
    """The same from NumPy."""
    found: NDArray[np.uint8] = table[pixels]
    return found


@kernel(reads(uint8, 1), reads(uint8, 1), writes(uint8, 1))
def _look_up_8(table: NDArray[np.uint8], pixels: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """In large images two neighbours at once, through a table of all pairs."""
    start = pixels.size // 2 * 2 if pixels.size >= _LARGE else 0
    if start:
        of_pairs = np.empty((256, 256), np.uint16)
        for i in range(256):
            for j in range(256):
                of_pairs[i, j] = 256 * table[i] + table[j]
        flat = of_pairs.reshape(-1)
        pairs, out_pairs = pixels[:start].view(np.uint16), out[:start].view(np.uint16)
        for i in range(pairs.size):
            out_pairs[i] = flat[pairs[i]]
    for i in range(start, pixels.size):
        out[i] = table[pixels[i]]


@kernel(reads(uint8, 1), reads(uint16, 1), writes(uint8, 1))
def _look_up_16(
    table: NDArray[np.uint8], pixels: NDArray[np.uint16], out: NDArray[np.uint8]
) -> None:
    for i in range(pixels.size):
        out[i] = table[pixels[i]]
