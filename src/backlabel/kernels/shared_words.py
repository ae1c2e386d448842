"""The nearest hashes among those that share a word of 16 bits with a query, for many queries.

Both sides are sorted by one word at a time, so that all queries and all rows of equal words meet
while they lie in the cache: what takes time is fetching a row from memory, and each is fetched for
all queries at once. Source: Norouzi, Punjani, Fleet, Fast search in Hamming space with multi-index
hashing, CVPR 2012.
"""

from __future__ import annotations

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from backlabel.kernels import ROW_BITS
from backlabel.kernels.compiled import helper, kernel, reads, writes
from backlabel.kernels.hamming import WORDS, ones

_VALUES = 1 << 16  # of a word
_TOGETHER = 128  # values whose rows are fetched at once: of a million rows 256 KiB


@helper
def _sort(
    hashes: NDArray[np.uint64],
    word: int,
    own: NDArray[np.uint16],
    order: NDArray[np.int32],
    starts: NDArray[np.int64],
) -> None:
    """Into `order` the rows by their `word`, into `starts` where those of each value begin."""
    shift = np.uint64(16 * (word % 4))
    starts[:] = 0
    for i in range(len(hashes)):
        own[i] = hashes[i, word // 4] >> shift
        if own[i] + 2 <= _VALUES:
            starts[own[i] + 2] += 1
    for value in range(2, _VALUES + 1):
        starts[value] += starts[value - 1]
    for i in range(len(hashes)):
        order[starts[own[i] + 1]] = i
        starts[own[i] + 1] += 1


@helper
def _fetch(hashes: NDArray[np.uint64], rows: NDArray[np.int32]) -> np.uint64:
    """Touch `rows` of `hashes`, so that they are in the cache. What it returns means nothing.

    A loop as short as this has many rows on their way from memory at a time.
    """
    touched = np.uint64(0)
    for row in rows:
        touched ^= hashes[row, 0] ^ hashes[row, 8] ^ hashes[row, 15]
    return touched


@helper
def _distance(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    bits = np.uint64(0)
    for i in range(WORDS):
        bits += ones(one[i] ^ other[i])
    return int(bits)


@helper
def _insert(nearest: NDArray[np.int64], found: int) -> None:
    """Put `found` into the sorted list, whose last one falls, unless it stands there already."""
    for known in nearest:
        if known == found:
            return
    place = nearest.size - 1
    while place > 0 and nearest[place - 1] > found:
        nearest[place] = nearest[place - 1]
        place -= 1
    nearest[place] = found


@helper
def _meet(
    query: NDArray[np.uint64],
    rows: NDArray[np.uint64],
    near: NDArray[np.int32],
    nearest: NDArray[np.int64],
) -> None:
    """Insert those of `rows` that are listed in `near`."""
    for row in near:
        found = (_distance(query, rows[row]) << ROW_BITS) | row
        if found < nearest[-1]:
            _insert(nearest, found)


@kernel(
    *(reads(uint64, 2), reads(uint64, 2), int64, int64),
    *(writes(int64, 2), writes(int64, 1)),
    result=uint64,
)
def search(  # noqa: PLR0917 - numba takes no names
    query: NDArray[np.uint64],
    rows: NDArray[np.uint64],
    words: int,
    most: int,
    nearest: NDArray[np.int64],
    met: NDArray[np.int64],
) -> np.uint64:
    """Keep in `nearest` (n, k), sorted, the nearest of `rows` that share one of `words` words.

    `nearest` comes filled with a number above all neighbours. `met` (n,) counts the pairs of each
    query, a row once for each word that is shared; a query stops when it has more than `most`.
    What is returned means nothing.
    """
    own = np.empty(max(len(query), len(rows)), np.uint16)
    queries, starts = np.empty(len(query), np.int32), np.empty(_VALUES + 1, np.int64)
    others, firsts = np.empty(len(rows), np.int32), np.empty(_VALUES + 1, np.int64)
    touched = np.uint64(0)
    for word in range(words):
        _sort(query, word, own, queries, starts)
        _sort(rows, word, own, others, firsts)
        for low in range(0, _VALUES, _TOGETHER):
            if starts[low] == starts[low + _TOGETHER]:
                continue
            touched ^= _fetch(query, queries[starts[low] : starts[low + _TOGETHER]])
            for value in range(low, low + _TOGETHER):
                if starts[value] < starts[value + 1]:
                    touched ^= _fetch(rows, others[firsts[value] : firsts[value + 1]])
            for value in range(low, low + _TOGETHER):
                near = others[firsts[value] : firsts[value + 1]]
                for i in queries[starts[value] : starts[value + 1]]:
                    met[i] += len(near)
                    if met[i] <= most:
                        _meet(query[i], rows, near, nearest[i])
    return touched
