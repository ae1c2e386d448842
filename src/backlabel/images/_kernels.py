"""Compiled loops of the readers; `luma.py` has the same in plain NumPy."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from backlabel.images._lookup import BLOCK, translate
from backlabel.images._vectors import next_bits


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


@numba.njit("void(uint8[::1], uint8[::1], uint8[::1])", cache=True, nogil=True)
def look_up(table: NDArray[np.uint8], index: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """out[i] = table[index[i]]; the table has 256 rows."""
    whole = index.size // BLOCK * BLOCK
    for at in range(0, whole, BLOCK):
        translate(table, index, at, out, at)  # type: ignore[call-arg]
    for at in range(whole, index.size):
        out[at] = table[index[at]]


@numba.njit("void(uint8[::1], uint16[::1], uint8[::1])", cache=True, nogil=True)
def look_up_deep(
    table: NDArray[np.uint8], index: NDArray[np.uint16], out: NDArray[np.uint8]
) -> None:
    """out[i] = table[index[i]]; the table has 65,536 rows."""
    for at in range(index.size):
        out[at] = table[index[at]]


@numba.njit("int64[::1](uint8[::1])", cache=True, nogil=True)
def histogram(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(256,): how often each value occurs.

    Eight counters a value, for eight pixels that are fetched at once: neighbours are often equal,
    and an addition to a counter that was just written waits for the write.
    """
    counts = np.zeros((8, 256), np.uint32)
    whole = pixels.size // 8
    for i in range(whole):
        eight: Any = next_bits(np.uint64(pixels.ctypes.data + 8 * i))  # type: ignore[call-arg]
        for j in range(8):
            counts[j, (eight >> np.uint64(8 * j)) & np.uint64(255)] += 1
    for i in range(8 * whole, pixels.size):
        counts[0, pixels[i]] += 1
    # Not counts.sum(axis=0): loading a kernel that has it imports numba's array library and SciPy.
    total = np.zeros(256, np.int64)
    for j in range(8):
        for value in range(256):
            total[value] += counts[j, value]
    return total
