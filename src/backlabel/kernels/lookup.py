"""Pixels through a table: `table[pixels]`, for which NumPy takes four times as long."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint8, uint16
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads, writes

Pixels = NDArray[np.uint8 | np.uint16]


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
    for i in range(pixels.size):
        out[i] = table[pixels[i]]


@kernel(reads(uint8, 1), reads(uint16, 1), writes(uint8, 1))
def _look_up_16(
    table: NDArray[np.uint8], pixels: NDArray[np.uint16], out: NDArray[np.uint8]
) -> None:
    for i in range(pixels.size):
        out[i] = table[pixels[i]]
