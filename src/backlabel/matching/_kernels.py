"""Compiled loops: Hamming distances, SSIM, high-pass residuals, histograms, resampling.

Every loop over columns is contiguous, without branches, and in the narrowest type that holds its
values, so that LLVM turns it into SIMD for the machine it runs on. All release the GIL. The plain
versions stand beside the functions that call these kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backlabel.matching._integers import add, mul, popcount, sub

_compile: Any = njit(nogil=True, cache=True, error_model="numpy")
# Sums may be split over SIMD lanes and multiply-adds joined; nothing else is relaxed.
_compile_float: Any = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"}
)

WORDS = 16
"""64-bit words in a hash of 1,024 bits."""
BLOCK_ROWS = 256
"""Rows of the base searched at a time: 32 KiB, so that they stay in the first-level cache."""


@_compile
def _carry_save(low: np.uint64, x: np.uint64, y: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Full adder on 64 bit positions at once: (sum bits, carry bits)."""
    half = low ^ x
    return half ^ y, (low & x) | (half & y)


@_compile
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


@_compile
def _insert(index: NDArray[np.int64], distance: NDArray[np.int32], row: int, bits: int) -> None:
    """Put (row, bits) into one sorted list behind all that are not farther; the last one falls."""
    place = distance.size - 1
    while place > 0 and distance[place - 1] > bits:
        distance[place] = distance[place - 1]
        index[place] = index[place - 1]
        place -= 1
    distance[place] = bits
    index[place] = row


@_compile
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
            if here.min() < distance[i, -1]:
                for j in range(here.size):
                    if here[j] < distance[i, -1]:
                        _insert(index[i], distance[i], first + j, here[j])


@_compile
def _slide(new: tuple[Any, Any], old: tuple[Any, Any], sums: tuple[Any, Any, Any, Any]) -> None:
    """Move the column sums of a, b, (a - b)**2 and a * b one row down, exactly.

    A product of two bytes fits 16 bits, and so does the square of a difference that has wrapped;
    seven bytes fit 16 bits, seven products 32.
    """
    (new_a, new_b), (old_a, old_b) = new, old
    sum_a, sum_b, sum_square, sum_product = sums
    for j in range(sum_a.size):
        a, b = np.uint16(new_a[j]), np.uint16(new_b[j])
        c, d = np.uint16(old_a[j]), np.uint16(old_b[j])
        sum_a[j] = add(sum_a[j], sub(a, c))
        sum_b[j] = add(sum_b[j], sub(b, d))
        now, then = sub(a, b), sub(c, d)
        now, then = mul(now, now), mul(then, then)
        sum_square[j] = add(sum_square[j], sub(np.int32(now), np.int32(then)))
        now, then = mul(a, b), mul(c, d)
        sum_product[j] = add(sum_product[j], sub(np.int32(now), np.int32(then)))


@_compile
def _seven(column: NDArray[Any], two: NDArray[Any], out: NDArray[Any]) -> None:
    """Sums of seven neighbours of `column` (n + 6,) into `out` (n,); `two` (n + 5,) is scratch."""
    for j in range(two.size):
        two[j] = add(column[j], column[j + 1])
    for j in range(out.size):
        out[j] = add(add(two[j], two[j + 2]), add(two[j + 4], column[j + 6]))


@_compile_float
def _ssim_row(
    boxes: tuple[Any, Any, Any, Any], mean_constant: np.float32, variance_constant: np.float32
) -> np.float32:
    """Sum of SSIM over one row of windows, from the windows' sums.

    With p = sum(a) sum(b) and d = sum(a) - sum(b), everything is a sum of non-negative integers
    below 2**31, exact up to the final quotient: 49 sum((a - b)**2) - d**2 is 49**2 times the
    variance of a - b.
    """
    sum_a, sum_b, sum_square, sum_product = boxes
    total = np.float32(0)
    for j in range(sum_a.size):
        a, b = np.int32(sum_a[j]), np.int32(sum_b[j])
        product = mul(a, b)
        apart = mul(sub(a, b), sub(a, b))
        variance = np.float32(sub(mul(np.int32(49), sum_square[j]), apart))
        covariance = sub(mul(np.int32(49), sum_product[j]), product)
        means = np.float32(add(product, product)) + mean_constant
        both = np.float32(add(covariance, covariance)) + variance_constant
        total += (means * both) / ((np.float32(apart) + means) * (variance + both))
    return total


@_compile
def ssim_sum(
    a: NDArray[np.uint8], b: NDArray[np.uint8], mean_constant: float, variance_constant: float
) -> float:
    """Sum of the SSIM map of `a` and `b` (h, w) over its (h - 6) (w - 6) windows of 7x7.

    The constants are C1 * 49**2 and C2 * 49 * 48, those of window sums instead of means.
    """
    height, width = a.shape
    columns = (
        np.zeros(width, np.uint16),
        np.zeros(width, np.uint16),
        np.zeros(width, np.int32),
        np.zeros(width, np.int32),
    )
    boxes = (
        np.empty(width - 6, np.uint16),
        np.empty(width - 6, np.uint16),
        np.empty(width - 6, np.int32),
        np.empty(width - 6, np.int32),
    )
    narrow, wide = np.empty(width - 1, np.uint16), np.empty(width - 1, np.int32)
    black = np.zeros(width, np.uint8)
    total = 0.0
    for i in range(height):
        old = (a[i - 7], b[i - 7]) if i >= 7 else (black, black)
        _slide((a[i], b[i]), old, columns)
        if i >= 6:
            _seven(columns[0], narrow, boxes[0])
            _seven(columns[1], narrow, boxes[1])
            _seven(columns[2], wide, boxes[2])
            _seven(columns[3], wide, boxes[3])
            total += _ssim_row(boxes, np.float32(mean_constant), np.float32(variance_constant))
    return total


@_compile
def resample_rows(
    image: NDArray[np.uint8],
    first: NDArray[np.int64],
    weights: NDArray[np.int32],
    bits: int,
    out: NDArray[np.uint8],
) -> None:
    """Each row of `out` as the weighted rows of `image` from `first` on; weights (rows, taps).

    The weights of a row add up to 2**`bits`. All sums fit 32 bits, since the weights' magnitudes
    add up to less than twice that (bits = 22, a byte more, and the sign).
    """
    total = np.empty(image.shape[1], np.int32)
    for i in range(out.shape[0]):
        total[:] = 1 << (bits - 1)
        for tap in range(weights.shape[1]):
            if weights[i, tap]:
                _add_scaled(image[first[i] + tap], weights[i, tap], total)
        for j in range(total.size):
            out[i, j] = min(max(total[j] >> bits, 0), 255)


@_compile
def _add_scaled(row: NDArray[np.uint8], weight: np.int32, total: NDArray[np.int32]) -> None:
    for j in range(total.size):
        total[j] = add(total[j], mul(np.int32(row[j]), weight))


@_compile
def histogram(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of the 256 values occurs in `image` (h, w).

    Four counters side by side: a run of equal pixels would otherwise wait for its own additions.
    """
    counts = np.zeros((4, 256), np.int64)
    for i in range(image.shape[0]):
        row = image[i]
        whole = row.size // 4 * 4
        for j in range(0, whole, 4):
            counts[0, row[j]] += 1
            counts[1, row[j + 1]] += 1
            counts[2, row[j + 2]] += 1
            counts[3, row[j + 3]] += 1
        for j in range(whole, row.size):
            counts[0, row[j]] += 1
    return counts.sum(axis=0)


@_compile
def look_up(image: NDArray[np.uint8], table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """`table` (256,) at every pixel of `image` into `out`, both (h, w)."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = table[image[i, j]]
