# mypy: ignore-errors
# (numba's intrinsics have types that mypy cannot see)
"""Compiled loops of `baseline`: Huffman codes -> coefficients -> samples.

No index leaves its array, whatever the bits are: a code and its number have 27 bits at most, a
block 64 of them, and TAIL bytes lie behind the data. Source: ITU-T T.81 (1992), F.2.2.

All numbers are unsigned where numba would otherwise look for negative indices. What Python calls
has its types said, so that it is compiled where it is imported, outside of any limit of seconds.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import int16, int32, int64, uint8

from backlabel.images._codes import ENDED, PAIR, PAIRS, PEEK, long_entry, signed
from backlabel.images._colour import NEUTRAL
from backlabel.images._vectors import BLOCKS, POSITIONS, next_bits, number_at, put, transform

FINE, DOUBT = 0, 1
STRIP = 66 * BLOCKS  # coefficients of so many blocks, and two of each from beyond its end

ZIGZAG = np.array(
    [
        *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48),
        *(41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15),
        *(23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
    ],
)
PLACES = np.full(64 + 256, 2 * 64 * BLOCKS, np.int32)  # bytes from a block's start, in a strip
PLACES[:64] = (2 * BLOCKS * (POSITIONS & ~1) + 2 * (POSITIONS & 1))[ZIGZAG]
_U = np.uint64
_BITS = np.uint64(64 - PEEK)


@numba.njit(cache=True, nogil=True, inline="always")
def _refilled(bits, left, at):
    """At least 56 bits, as many more as whole bytes give: enough for two codes and numbers."""
    bits |= next_bits(at) >> left
    whole = (_U(63) - left) >> _U(3)
    return bits, left | _U(56), at + whole


@numba.njit(cache=True, nogil=True, inline="always")
def _pair(bits, left, k, table, places, block):  # noqa: PLR0917
    """As `_single`, for up to two coefficients; ENDED more than the next place after an end.

    Where only one is known, it is stored after the second one, to the same place.
    """
    entry = number_at(table + _U(4 * PAIRS) + ((bits >> _U(64 - PAIR)) << _U(2)))
    second = k + (entry >> _U(10) & _U(255))
    number = np.int64(entry << _U(40)) >> 58
    put(block + number_at(places + (second << _U(2))), number)
    first = k + (entry >> _U(6) & _U(15))
    number = np.int64(entry << _U(32)) >> 56
    put(block + number_at(places + (first << _U(2))), number)
    return bits << (entry & _U(63)), left - (entry & _U(63)), second + _U(1)


@numba.njit(cache=True, nogil=True)
def _single(bits, left, k, table, places, block):  # noqa: PLR0917
    """The coefficient of place `k` or a later one.

    The next place is 64 at the end of a block, more for doubt.
    """
    entry = number_at(table + ((bits >> _BITS) << _U(2)))
    if entry == 0:
        entry = long_entry(bits, table)
    k += entry >> _U(24)
    size = entry >> _U(16) & _U(15)
    if size - _U(1) < _U(10) and k < _U(64):
        put(block + number_at(places + (k << _U(2))), signed(bits, entry))
        k += _U(1)
    elif entry >> _U(16) == _U(0xF00):  # 16 zeros
        k += _U(1)
    else:
        k = _U(64) if entry >> _U(16) == 0 and entry else _U(255)
    return bits << (entry & _U(63)), left - (entry & _U(63)), k


@numba.njit(cache=True, nogil=True)
def _block(state, dc_table, ac_table, places, block):
    """One block, without its steps, to the address `block`; a state beyond 64 bits is doubt.

    A state is the bits ahead, how many of them count, where the next are, and the last block's DC.
    """
    bits, left, at, dc = state
    bits, left, at = _refilled(bits, left, at)
    entry = number_at(dc_table + ((bits >> _BITS) << _U(2)))
    if entry == 0:
        entry = long_entry(bits, dc_table)
    if entry == 0 or entry >> _U(16) > _U(11):
        return bits, _U(255), at, dc
    if entry >> _U(16):
        dc += signed(bits, entry)
    bits <<= entry & _U(63)
    left -= entry & _U(63)
    put(block, dc)
    k = _U(1) if abs(dc) < 1 << 15 else _U(255)
    while k < _U(64):
        bits, left, at = _refilled(bits, left, at)
        for _ in range(4):
            after, rest, place = _pair(bits, left, k, ac_table, places, block)
            if place >= _U(64):
                break
            bits, left, k = after, rest, place
        else:
            continue
        if place == _U(64) or place - _U(ENDED + 1) < _U(63):
            return after, rest, at, dc
        bits, left, at = _refilled(bits, left, at)
        bits, left, k = _single(bits, left, k, ac_table, places, block)
    return bits, left if k == _U(64) else _U(255), at, dc


@numba.njit(cache=True, nogil=True, inline="always")
def _colour(state, dc_table, ac_table, places, block):
    """As `_block`, and 1 if its place is not left as it is: nearly all blocks of chroma are empty.

    An empty one has no difference of DC from 0, and then the end of the block.
    """
    bits, left, at, dc = state
    bits, left, at = _refilled(bits, left, at)
    first = number_at(dc_table + ((bits >> _BITS) << _U(2)))
    then = bits << (first & _U(63))
    second = number_at(ac_table + ((then >> _BITS) << _U(2)))
    if dc == 0 and first and second and (first | second) >> _U(16) == 0:
        return then << (second & _U(63)), left - ((first + second) & _U(63)), at, dc, 0
    bits, left, at, dc = _block((bits, left, at, dc), dc_table, ac_table, places, block)
    return bits, left, at, dc, 1


@numba.njit(cache=True, nogil=True)
def _mcu(state, codes, rows, components, places, first, chroma, across, down):  # noqa: PLR0917
    """The state after an MCU: first blocks of brightness and of chroma go to these addresses.

    Behind the state of a block are the DC of Cb and Cr, and how many of their blocks are not empty.
    All are addresses: an array that is handed on in a loop costs more than what it is read for.
    """
    bits, left, at, dc, cb, cr, coloured = state
    dc_table, ac_table = codes + number_at(rows), codes + number_at(rows + _U(4))
    for v in range(down):
        for h in range(across):
            block = first + _U(2 * v * STRIP + 4 * h)
            bits, left, at, dc = _block((bits, left, at, dc), dc_table, ac_table, places, block)
            if left > _U(64):
                return bits, left, at, dc, cb, cr, coloured
    for i in range(1, components):
        row, block = rows + _U(8 * i), chroma + _U(2 * (i - 1) * STRIP)
        dc_table, ac_table = codes + number_at(row), codes + number_at(row + _U(4))
        one = bits, left, at, cb
        bits, left, at, new, some = _colour(one, dc_table, ac_table, places, block)
        cb, cr, coloured = cr, new, coloured + some  # each one's turn comes again after the other
        if left > _U(64):
            return bits, left, at, dc, cb, cr, coloured
    return bits, left, at, dc, cb, cr, coloured


@numba.njit(cache=True, nogil=True)
def _put_chroma(strip, start, steps, chroma, row, group):  # noqa: PLR0917
    """Samples of BLOCKS blocks of Cb and of Cr. False for doubt."""
    width = chroma.shape[2]
    fits = True
    for i in range(2):
        at = (i * chroma.shape[1] + 8 * row) * width + 8 * BLOCKS * group
        begin = np.int64(start + i * STRIP)
        flat = chroma.reshape(-1)
        fits &= transform(strip, begin, steps[1 + i], flat, np.int64(at), np.int64(width))
    return fits


@numba.njit(
    int64(
        *(uint8[::1], int64, int32[:, ::1], int32[:, ::1], int16[:, ::1], int32[::1], int16[::1]),
        *(int64, int64, int64, uint8[:, ::1], uint8[:, :, ::1], uint8[::1]),
    ),
    cache=True,
    nogil=True,
)
def decode(  # noqa: PLR0917
    data, size, tables, which, steps, places, strip, across, down, columns, out, chroma, coloured
):
    """Fill `out`, whole MCUs of the first component; FINE, or DOUBT where anything is unusual.

    `data` is what `unstuffed` gives. An MCU has across * down blocks and, where `which` has more
    rows than one, one of Cb and one of Cr. `which` (int32) says where in `tables` those for DC
    and AC of each component begin, in bytes. `steps` (components, 64) are those of quantisation,
    each at its POSITIONS; `places` is PLACES. `strip` (zeros, int16) holds down + 2 strips of
    STRIP. `out` has rows for whole MCUs, `columns` of them and a little more, for BLOCKS blocks.
    `coloured` (zeros) becomes 1 for rows of MCUs that may have colour; only these are filled of
    `chroma` (2, 8 * rows of MCUs, as wide).
    """
    flat, width = out.reshape(-1), out.shape[1]
    per = BLOCKS // across  # MCUs that are transformed together
    bright = down * STRIP
    start, codes = _U(data.ctypes.data), _U(tables.ctypes.data)
    rows, order = _U(which.ctypes.data), _U(places.ctypes.data)
    state = _U(0), _U(0), start, np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    fits = True
    for row in range(out.shape[0] // (8 * down)):
        for column in range(columns):
            if state[2] > start + _U(size + 8):
                return DOUBT
            first = _U(strip.ctypes.data + 4 * (column % per * across))
            second = _U(strip.ctypes.data + 2 * bright + 4 * (column % BLOCKS))
            state = _mcu(state, codes, rows, which.shape[0], order, first, second, across, down)
            if state[1] > _U(64):
                return DOUBT
            if column % per == per - 1 or column == columns - 1:
                for v in range(down):
                    at = np.int64((row * down + v) * 8 * width + column // per * 8 * BLOCKS)
                    begin = np.int64(v * STRIP)
                    fits &= transform(strip, begin, steps[0], flat, at, np.int64(width))
            if state[6] and (column % BLOCKS == BLOCKS - 1 or column == columns - 1):
                if not coloured[row]:
                    chroma[:, 8 * row : 8 * row + 8] = NEUTRAL
                fits &= _put_chroma(strip, bright, steps, chroma, row, column // BLOCKS)
                coloured[row] = 1
                state = state[:6] + (np.int64(0),)  # noqa: RUF005 numba
    over = 8 * np.int64(size) - (8 * np.int64(state[2] - start) - np.int64(state[1]))
    return FINE if fits and over in range(8) else DOUBT
