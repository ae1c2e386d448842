"""Compiled loops of the readers; `luma.py` has the same in plain NumPy."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit("void(uint8[::1], uint8[::1])", cache=True, nogil=True)
def rgb_to_grey(rgb: NDArray[np.uint8], grey: NDArray[np.uint8]) -> None:
    """Interleaved RGB, flat -> grey, flat and a third as long."""
    for at in range(grey.size):
        grey[at] = (
            np.uint32(19595) * rgb[3 * at]
            + np.uint32(38470) * rgb[3 * at + 1]
            + np.uint32(7471) * rgb[3 * at + 2]
            + np.uint32(32768)
        ) >> np.uint32(16)


@numba.njit(
    [
        "void(uint8[::1], uint8[::1], uint8[::1])",
        "void(uint8[::1], uint16[::1], uint8[::1])",
    ],
    cache=True,
    nogil=True,
)
def look_up(
    table: NDArray[np.uint8], index: NDArray[np.uint8 | np.uint16], out: NDArray[np.uint8]
) -> None:
    """out[i] = table[index[i]]; the table has as many rows as the index has values."""
    for at in range(index.size):
        out[at] = table[index[at]]
