# mypy: ignore-errors
# (numba's intrinsics have types that mypy cannot see)
"""Compiled loops of `baseline`: Huffman codes -> coefficients -> samples of the first component.

No index leaves its array, whatever the bits are: a code and its number have 27 bits at most, a
block 64 of them, and TAIL bytes lie behind the data. Source: ITU-T T.81 (1992), F.2.2.

All numbers are unsigned where numba would otherwise look for negative indices. What Python calls
has its types said, so that it is compiled where it is imported, outside of any limit of seconds.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import boolean, int16, int32, int64, uint8

from backlabel.images._vectors import LANES, next_bits, number_at, put, put_bits, transform

PEEK = 10  # bits of a code that the first table resolves; longer codes are rare
SYMBOLS = (1 << PEEK) + 34  # where they begin in a table, behind its limits and offsets
TABLE = SYMBOLS + 256
TAIL = 2048  # bytes that may be read behind the data: more than an MCU can take
FINE, DOUBT = 0, 1
_MARK, _END = 0xFF, 0xD9
MOST = 5800  # sum of a block's coefficients up to which 16-bit decoders do not saturate

ZIGZAG = np.array(
    [
        *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48),
        *(41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15),
        *(23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
    ],
)
_BYTES = numba.types.Array(uint8, 1, "C", readonly=True)
_U = np.uint64
_BITS = np.uint64(64 - PEEK)


@numba.njit(int64(_BYTES, int64, uint8[::1]), cache=True, nogil=True)
def unstuffed(data, at, out):
    """The scan of `data` from `at` on, without stuffing, to `out`, and TAIL zeros; its length.

    The length is negative where the scan holds any marker but the one of the end. `out` has room
    for all of `data` and TAIL.
    """
    filled = np.int64(0)
    while at + 8 <= data.size:
        word = next_bits(_U(data.ctypes.data + at))
        clear = ~word  # a byte of 255 becomes 0, the only one from which 1 borrows
        if (clear - _U(0x0101010101010101)) & word & _U(0x8080808080808080) == 0:
            put_bits(_U(out.ctypes.data + filled), word)
            at += 8
            filled += 8
            continue
        while data[at] != _MARK:
            out[filled] = data[at]
            at += 1
            filled += 1
        if at + 1 >= data.size or data[at + 1] != 0:
            break
        out[filled] = 255
        filled += 1
        at += 2
    while at < data.size and data[at] != _MARK:
        out[filled] = data[at]
        at += 1
        filled += 1
    out[filled : filled + TAIL] = 0
    return filled if at + 1 < data.size and data[at + 1] == _END else np.int64(-1)


@numba.njit(cache=True, nogil=True)
def _entry(symbol, length):
    """From the lowest byte: bits of code and number, of the code, of the number; zeros before."""
    size = symbol & _U(15)
    return (length + size) | length << _U(8) | size << _U(16) | symbol >> _U(4) << _U(24)


@numba.njit(boolean(_BYTES, _BYTES, int32[::1]), cache=True, nogil=True)
def code_table(counts, symbols, table):
    """Fill `table` (int32): for each PEEK bits the entry of the code that they begin with, or 0.

    Behind these, for each length, the first code that is too great for it, and 2**16 plus what
    leads from a code to its symbol; then the symbols. False for impossible counts.
    """
    table[:] = 0
    if symbols.size > TABLE - SYMBOLS:
        return False
    table[SYMBOLS : SYMBOLS + symbols.size] = symbols
    code, used = 0, 0
    for length in range(1, 17):
        table[(1 << PEEK) + 17 + length] = used - code + (1 << 16)
        for _ in range(counts[length - 1]):
            if used >= symbols.size or code >= 1 << length:
                return False
            if length <= PEEK:
                first = code << (PEEK - length)
                for i in range(first, first + (1 << (PEEK - length))):
                    table[i] = _entry(_U(symbols[used]), _U(length))
            code += 1
            used += 1
        table[(1 << PEEK) + length] = code
        code <<= 1
    return used == symbols.size


@numba.njit(cache=True, nogil=True)
def _long_entry(bits, table):
    """The entry of a code longer than PEEK; 0 where there is none."""
    for length in range(PEEK + 1, 17):
        code = np.int64(bits >> _U(64 - length))
        limit = table + _U(4 * ((1 << PEEK) + length))
        if code < np.int64(number_at(limit)):
            at = (code + np.int64(number_at(limit + _U(4 * 17))) - (1 << 16)) & 255
            return _entry(number_at(table + _U(4 * (SYMBOLS + at))), _U(length))
    return _U(0)


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
        entry = _long_entry(bits, table)
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
def _block(state, dc_table, ac_table, steps, block):
    """One block, times its steps, to the address `block`; a state beyond 64 bits is doubt.

    A state is the bits ahead, how many of them count, where the next are, and the last block's DC.
    """
    bits, left, at, dc = state
    bits, left, at = _refilled(bits, left, at)
    entry = number_at(dc_table + ((bits >> _BITS) << _U(2)))
    if entry == 0:
        entry = _long_entry(bits, dc_table)
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
    return bits, left if k == _U(64) and total <= MOST else _U(255), at, dc


@numba.njit(cache=True, nogil=True)
def _empty(state, table):
    """The state after a symbol of 0: no difference, or the end of a block. Else one of doubt."""
    bits, left, at, dc = state
    bits, left, at = _refilled(bits, left, at)
    entry = number_at(table + ((bits >> _BITS) << _U(2)))
    if entry == 0 or entry >> _U(16):
        return bits, _U(255), at, dc
    return bits << (entry & _U(63)), left - (entry & _U(63)), at, dc


@numba.njit(cache=True, nogil=True)
def _mcu(state, codes, rows, components, steps, first, across, down):  # noqa: PLR0917
    """The state after an MCU, whose first block goes to the address `first`.

    Addresses all of them: an array that is handed on in a loop costs more than what it is read for.
    """
    dc_table, ac_table = codes + number_at(rows), codes + number_at(rows + _U(4))
    for v in range(down):
        for h in range(across):
            block = first + _U(2 * (v * 64 * LANES + h))
            state = _block(state, dc_table, ac_table, steps, block)
            if state[1] > _U(64):
                return state
    for i in range(2, 2 * components):
        state = _empty(state, codes + number_at(rows + _U(4 * i)))
        if state[1] > _U(64):
            return state
    return state


@numba.njit(
    int64(
        *(uint8[::1], int64, int32[:, ::1], int32[:, ::1], int32[:, ::1], int16[::1]),
        *(int64, int64, int64, uint8[:, ::1]),
    ),
    cache=True,
    nogil=True,
)
def decode(data, size, tables, which, steps, strip, across, down, columns, out):  # noqa: PLR0917
    """Fill `out`, whole MCUs of the first component; FINE, or DOUBT where anything is unusual.

    `data` is what `unstuffed` gives. An MCU has across * down blocks and, where `which` has more
    rows than one, two more, which must be zero. `which` (int32) says where in `tables` those for DC
    and AC of each component begin, in bytes. `steps`, (64, 2) of int32, are the first one's
    quantisation steps in zigzag order, and where in `strip` (zeros, int16, down * 64 * LANES) their
    coefficients belong, in bytes. `out` has rows for whole MCUs, `columns` of them and a little
    more, for LANES blocks.
    """
    flat, width = out.reshape(-1), out.shape[1]
    per = LANES // across  # MCUs that are transformed together
    start, codes = _U(data.ctypes.data), _U(tables.ctypes.data)
    rows, quanta = _U(which.ctypes.data), _U(steps.ctypes.data)
    state = _U(0), _U(0), start, np.int64(0)
    for row in range(out.shape[0] // (8 * down)):
        for column in range(columns):
            if state[2] > start + _U(size + 8):
                return DOUBT
            first = _U(strip.ctypes.data + 2 * (column % per * across))
            state = _mcu(state, codes, rows, which.shape[0], quanta, first, across, down)
            if state[1] > _U(64):
                return DOUBT
            if column % per == per - 1 or column == columns - 1:
                for v in range(down):
                    at = (row * down + v) * 8 * width + column // per * 8 * LANES
                    transform(strip, np.int64(v * 64 * LANES), flat, np.int64(at), np.int64(width))
                strip[:] = 0
    over = 8 * np.int64(size) - (8 * np.int64(state[2] - start) - np.int64(state[1]))
    return FINE if over in range(8) else DOUBT
