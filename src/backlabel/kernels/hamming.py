"""Hamming distances and the nearest rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.kernels.compiled import compiled, popcount

WORDS = 16
"""64-bit words in a hash of 1,024 bits."""
BLOCK_ROWS = 256
"""Rows of the base searched at a time: 32 KiB, so that they stay in the first-level cache."""


@compiled
def _carry_save(low: np.uint64, x: np.uint64, y: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Full adder on 64 bit positions at once: (sum bits, carry bits)."""
    half = low ^ x
    return half ^ y, (low & x) | (half & y)


@compiled
def _distances(query: NDArray[np.uint64], block: NDArray[np.uint64], out: NDArray[Any]) -> None:
    """Hamming distances of one query (16,) to the columns of `block` (16, n) into `out` (n,).

    The 16 differing words are first added bit by bit into counters of weight 1, 2, 4, 8 and 16
    (Harley and Seal), so that 5 population counts do instead of 16.
    """
    for j in range(out.size):
        ones = query[0] ^ block[0, j]
        ones, twos = _carry_save(ones, query[1] ^ block[1, j], query[2] ^ block[2, j])
        ones, carry_a = _carry_save(ones, query[3] ^ block[3, j], query[4] ^ block[4, j])
        ones, carry_b = _carry_save(ones, query[5] ^ block[5, j], query[6] ^ block[6, j])
        twos, fours = _carry_save(twos, carry_a, carry_b)
        ones, carry_a = _carry_save(ones, query[7] ^ block[7, j], query[8] ^ block[8, j])
        ones, carry_b = _carry_save(ones, query[9] ^ block[9, j], query[10] ^ block[10, j])
        twos, carry_c = _carry_save(twos, carry_a, carry_b)
        ones, carry_a = _carry_save(ones, query[11] ^ block[11, j], query[12] ^ block[12, j])
        ones, carry_b = _carry_save(ones, query[13] ^ block[13, j], query[14] ^ block[14, j])
        twos, carry_d = _carry_save(twos, carry_a, carry_b)
        fours, eights = _carry_save(fours, carry_c, carry_d)
        last = query[15] ^ block[15, j]
        out[j] = (
            popcount(ones)
            + popcount(last)
            + (popcount(twos) << np.uint64(1))
            + (popcount(fours) << np.uint64(2))
            + (popcount(eights) << np.uint64(3))
        )


@compiled
def _insert(index: NDArray[np.int64], distance: NDArray[np.int32], row: int, bits: int) -> None:
    """Put (row, bits) into one sorted list behind all that are not farther; the last one falls."""
    place = distance.size - 1
    while place > 0 and distance[place - 1] > bits:
        distance[place] = distance[place - 1]
        index[place] = index[place - 1]
        place -= 1
    distance[place] = bits
    index[place] = row


@compiled
def _least(values: NDArray[np.int32]) -> int:
    least: int = values[0]
    for value in values:
        least = min(least, value)
    return least


@compiled
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
    bits = np.empty(blocks.shape[2], np.int32)
    for block in range(blocks.shape[0]):
        first = block * blocks.shape[2]
        here = bits[: min(blocks.shape[2], rows - first)]
        for i in range(query.shape[0]):
            _distances(query[i], blocks[block], here)
            if _least(here) < distance[i, -1]:
                for j in range(here.size):
                    if here[j] < distance[i, -1]:
                        _insert(index[i], distance[i], first + j, here[j])
