"""Hamming distances of packed hashes, and the nearest ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int32, int64, uint64
from numpy.typing import NDArray

from backlabel.kernels.compiled import helper, kernel, reads, writes

WORDS = 16
"""64-bit words in a hash of 1,024 bits."""
BLOCK_ROWS = 256
"""Rows of the base searched at a time: 32 KiB, so that they stay in the first-level cache."""

_PAIRS = np.uint64(0x5555555555555555)
_FOURS = np.uint64(0x3333333333333333)
_BYTES = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONES = np.uint64(0x0101010101010101)


@helper
def ones(word: np.uint64) -> np.uint64:
    """Bits that are set in a word: in pairs, in fours, in bytes, then all bytes added up.

    The compiler knows this form and uses the processor's own population count. Source: Warren,
    Hacker's Delight, section 5-1.
    """
    word -= (word >> np.uint64(1)) & _PAIRS
    word = (word & _FOURS) + ((word >> np.uint64(2)) & _FOURS)
    word = (word + (word >> np.uint64(4))) & _BYTES
    return (word * _ONES) >> np.uint64(56)


@helper
def _distances(query: NDArray[np.uint64], block: NDArray[np.uint64], out: NDArray[Any]) -> None:
    """Hamming distances of one query (16,) to the columns of `block` (16, n), into `out` (n,)."""
    out[:] = 0
    for i in range(WORDS):
        word, row = query[i], block[i]
        for j in range(out.size):
            out[j] += ones(word ^ row[j])


@helper
def _least(values: NDArray[Any]) -> int:
    least: int = values[0]
    for value in values:
        least = min(least, value)
    return least


@helper
def _insert(index: NDArray[np.int64], distance: NDArray[np.int32], row: int, bits: int) -> None:
    """Put (row, bits) into one sorted list behind all that are not farther; the last one falls."""
    place = distance.size - 1
    while place > 0 and distance[place - 1] > bits:
        distance[place] = distance[place - 1]
        index[place] = index[place - 1]
        place -= 1
    distance[place] = bits
    index[place] = row


@kernel(reads(uint64, 2), reads(uint64, 3), int64, writes(int64, 2), writes(int32, 2))
def search(
    query: NDArray[np.uint64],
    blocks: NDArray[np.uint64],
    rows: int,
    index: NDArray[np.int64],
    distance: NDArray[np.int32],
) -> None:
    """Keep in `index` and `distance` (n, k) the nearest rows of `blocks` (b, 16, BLOCK_ROWS).

    `distance` comes filled with a number above all distances. Rows arrive in ascending order and
    enter only when nearer than the last one kept: of equal ones the lower row stays.
    """
    bits = np.empty(blocks.shape[2], np.int64)
    for block in range(blocks.shape[0]):
        first = block * blocks.shape[2]
        here = bits[: min(blocks.shape[2], rows - first)]
        for i in range(query.shape[0]):
            _distances(query[i], blocks[block], here)
            if _least(here) < distance[i, -1]:
                for j in range(here.size):
                    if here[j] < distance[i, -1]:
                        _insert(index[i], distance[i], first + j, here[j])
