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

from backlabel.images._codes import PEEK, long_entry
from backlabel.images._vectors import next_bits, number_at, put, short_at, transform
from backlabel.lanes import LANES

FINE, DOUBT = 0, 1
MOST = 5800  # 4 x 1.387 times as much is what one pass of the transform makes of a sum: 15 bits

ZIGZAG = np.array(
    [
        *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48),
        *(41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15),
        *(23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
    ],
)
_U = np.uint64
_BITS = np.uint64(64 - PEEK)


@numba.njit(cache=True, nogil=True, inline="always")
def _refilled(bits, left, at):
    """At least 56 bits, as many more as whole bytes give: enough for two codes and numbers."""
    bits |= next_bits(at) >> left
    whole = (_U(63) - left) >> _U(3)
    return bits, left + (whole << _U(3)), at + whole


@numba.njit(cache=True, nogil=True, inline="always")
def _number(bits, entry):
    """The signed number behind a code; it has one bit or more."""
    raw = np.int64((bits << (entry >> _U(8) & _U(63))) >> (_U(64) - (entry >> _U(16) & _U(15))))
    top = np.int64(1) << np.int64(entry >> _U(16) & _U(15))
    return raw - ((top - 1) & (raw - (top >> 1) >> 63))  # no branch: signs cannot be foreseen


@numba.njit(cache=True, nogil=True, inline="always")
def _coefficient(bits, left, k, table, steps, block):  # noqa: PLR0917
    """Of place `k` or a later one; the next place is 64 at the end of a block, more for doubt."""
    entry = number_at(table + ((bits >> _BITS) << _U(2)))
    if entry == 0:
        entry = long_entry(bits, table)
    k += entry >> _U(24)
    value = np.int64(0)
    size = entry >> _U(16) & _U(15)
    if size - _U(1) < _U(10) and k < _U(64):
        step = steps + (k << _U(3))
        value = _number(bits, entry) * np.int64(number_at(step))
        put(block + number_at(step + _U(4)), value)
        k += _U(1)
    elif entry >> _U(16) == _U(0xF00):  # 16 zeros
        k += _U(1)
    else:
        k = _U(64) if entry >> _U(16) == 0 and entry else _U(255)
    return bits << (entry & _U(63)), left - (entry & _U(63)), k, value


@numba.njit(cache=True, nogil=True)
def _fits(block):
    """Whether decoders of 16 bits do not saturate; each of the numbers at `block` must have 15.

    The first pass gives them numbers of 16 bits from one column of coefficients each; the second
    one adds up two of these, from columns 4 apart. Black letters on white have such blocks.
    """
    for column in range(4):
        total = np.int64(0)
        for i in range(column, 64, 4):
            total += abs(short_at(block + _U(2 * LANES * i)))
        if total > MOST:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _block(state, dc_table, ac_table, steps, block):
    """One block, times its steps, to the address `block`; a state beyond 64 bits is doubt.

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
        dc += _number(bits, entry)
    bits <<= entry & _U(63)
    left -= entry & _U(63)
    value = dc * np.int64(number_at(steps))
    total = abs(value)
    put(block, value)
    k = _U(1)
    while True:
        bits, left, at = _refilled(bits, left, at)
        bits, left, k, value = _coefficient(bits, left, k, ac_table, steps, block)
        total += abs(value)
        if k >= _U(64):
            break
        bits, left, k, value = _coefficient(bits, left, k, ac_table, steps, block)
        total += abs(value)
        if k >= _U(64):
            break
    if total > MOST and not (total <= 4 * MOST and _fits(block)):
        k = _U(255)
    return bits, left if k == _U(64) else _U(255), at, dc


@numba.njit(cache=True, nogil=True, inline="always")
def _colour(state, dc_table, ac_table, steps, block):
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
    bits, left, at, dc = _block((bits, left, at, dc), dc_table, ac_table, steps, block)
    return bits, left, at, dc, 1


@numba.njit(cache=True, nogil=True)
def _mcu(state, codes, rows, components, steps, first, chroma, across, down):  # noqa: PLR0917
    """The state after an MCU: first blocks of brightness and of chroma go to these addresses.

    Behind the state of a block are the DC of Cb and Cr, and how many of their blocks are not empty.
    All are addresses: an array that is handed on in a loop costs more than what it is read for.
    """
    bits, left, at, dc, cb, cr, coloured = state
    dc_table, ac_table = codes + number_at(rows), codes + number_at(rows + _U(4))
    for v in range(down):
        for h in range(across):
            block = first + _U(2 * (v * 64 * LANES + h))
            bits, left, at, dc = _block((bits, left, at, dc), dc_table, ac_table, steps, block)
            if left > _U(64):
                return bits, left, at, dc, cb, cr, coloured
    for i in range(1, components):
        row, block = rows + _U(8 * i), chroma + _U(2 * (i - 1) * 64 * LANES)
        dc_table, ac_table = codes + number_at(row), codes + number_at(row + _U(4))
        one = bits, left, at, cb
        bits, left, at, new, some = _colour(one, dc_table, ac_table, steps + _U(512 * i), block)
        cb, cr, coloured = cr, new, coloured + some  # each one's turn comes again after the other
        if left > _U(64):
            return bits, left, at, dc, cb, cr, coloured
    return bits, left, at, dc, cb, cr, coloured


@numba.njit(cache=True, nogil=True)
def _put_chroma(strip, start, chroma, row, group):
    """Samples of LANES blocks of Cb and of Cr; their strips are zeros again."""
    width = chroma.shape[2]
    for i in range(2):
        at = (i * chroma.shape[1] + 8 * row) * width + 8 * LANES * group
        begin = np.int64(start + i * 64 * LANES)
        transform(strip, begin, chroma.reshape(-1), np.int64(at), np.int64(width))
    strip[start:] = 0


@numba.njit(
    int64(
        *(uint8[::1], int64, int32[:, ::1], int32[:, ::1], int32[:, :, ::1], int16[::1]),
        *(int64, int64, int64, uint8[:, ::1], uint8[:, :, ::1], uint8[::1]),
    ),
    cache=True,
    nogil=True,
)
def decode(  # noqa: PLR0917
    data, size, tables, which, steps, strip, across, down, columns, out, chroma, coloured
):
    """Fill `out`, whole MCUs of the first component; FINE, or DOUBT where anything is unusual.

    `data` is what `unstuffed` gives. An MCU has across * down blocks and, where `which` has more
    rows than one, one of Cb and one of Cr. `which` (int32) says where in `tables` those for DC
    and AC of each component begin, in bytes. `steps`, (components, 64, 2) of int32, are the
    quantisation steps in zigzag order, and where in a strip their coefficients belong, in bytes.
    `strip` (zeros, int16) holds down + 2 strips of 64 * LANES. `out` has rows for whole MCUs,
    `columns` of them and a little more, for LANES blocks. `chroma` (2, 8 * rows of MCUs, as wide)
    must be 128; `coloured` (zeros) becomes 1 for those rows of MCUs in which it may be otherwise.
    """
    flat, width = out.reshape(-1), out.shape[1]
    per = LANES // across  # MCUs that are transformed together
    bright = down * 64 * LANES
    start, codes = _U(data.ctypes.data), _U(tables.ctypes.data)
    rows, quanta = _U(which.ctypes.data), _U(steps.ctypes.data)
    state = _U(0), _U(0), start, np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for row in range(out.shape[0] // (8 * down)):
        for column in range(columns):
            if state[2] > start + _U(size + 8):
                return DOUBT
            first = _U(strip.ctypes.data + 2 * (column % per * across))
            second = _U(strip.ctypes.data + 2 * (bright + column % LANES))
            state = _mcu(state, codes, rows, which.shape[0], quanta, first, second, across, down)
            if state[1] > _U(64):
                return DOUBT
            if column % per == per - 1 or column == columns - 1:
                for v in range(down):
                    at = (row * down + v) * 8 * width + column // per * 8 * LANES
                    transform(strip, np.int64(v * 64 * LANES), flat, np.int64(at), np.int64(width))
                strip[:bright] = 0
            if state[6] and (column % LANES == LANES - 1 or column == columns - 1):
                _put_chroma(strip, bright, chroma, row, column // LANES)
                coloured[row] = 1
                state = state[:6] + (np.int64(0),)  # noqa: RUF005 numba
    over = 8 * np.int64(size) - (8 * np.int64(state[2] - start) - np.int64(state[1]))
    return FINE if over in range(8) else DOUBT
