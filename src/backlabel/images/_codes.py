# mypy: ignore-errors
# (numba's intrinsics have types that mypy cannot see)
"""Compiled loops of `baseline` over bytes and codes: the scan without stuffing, tables of codes.

Source: ITU-T T.81 (1992), B.1.1.5, C.2 and F.2.2.3.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import boolean, int32, int64, uint8

from backlabel.images._vectors import next_bits, number_at, put_bits

PEEK = 10  # bits of a code that the first table resolves; longer codes are rare
SYMBOLS = (1 << PEEK) + 34  # where they begin in a table, behind its limits and offsets
PAIRS = SYMBOLS + 256  # where those begin
PAIR = 13  # bits that one look resolves to two coefficients; 12 spare the cache, but miss more
TABLE = PAIRS + (1 << PAIR)
ENDED = 128  # places that the end of a block is worth
_SIZE = 10  # bits of the longest number of a coefficient
TAIL = 2048  # bytes that may be read behind the data: more than an MCU can take
_MARK, _END = 0xFF, 0xD9
_BYTES = numba.types.Array(uint8, 1, "C", readonly=True)
_U = np.uint64


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
    while at + 1 < data.size and (data[at] != _MARK or data[at + 1] == 0):
        out[filled] = data[at]
        at += 2 if data[at] == _MARK else 1
        filled += 1
    out[filled : filled + TAIL] = 0
    return filled if at + 1 < data.size and data[at + 1] == _END else np.int64(-1)


@numba.njit(cache=True, nogil=True)
def _entry(symbol, length):
    """From the lowest byte: bits of code and number, of the code, of the number; zeros before."""
    size = symbol & _U(15)
    return (length + size) | length << _U(8) | size << _U(16) | symbol >> _U(4) << _U(24)


@numba.njit(cache=True, nogil=True, inline="always")
def signed(bits, entry):
    """The signed number behind a code; it has one bit or more."""
    raw = np.int64((bits << (entry >> _U(8) & _U(63))) >> (_U(64) - (entry >> _U(16) & _U(15))))
    top = np.int64(1) << np.int64(entry >> _U(16) & _U(15))
    return raw - ((top - 1) & (raw - (top >> 1) >> 63))  # no branch: signs cannot be foreseen


@numba.njit(cache=True, nogil=True)
def _known(bits, room, most, table):
    """Of the code that comes next: its bits with its number, places that it goes on, the number.

    No bits where they are more than `room`, or the number more than `most`, or for doubt.
    """
    entry = _U(table[bits >> _U(64 - PEEK)])
    used, kind, size = np.int64(entry & _U(63)), entry >> _U(16), entry >> _U(16) & _U(15)
    places = np.int64(entry >> _U(24)) + 1
    # No set: numba's are slow.
    odd = size == 0 and kind != _U(0) and kind != _U(0xF00)
    if entry == 0 or used > room or size > _SIZE or odd:
        return 0, 0, 0
    if size == 0:
        return used, places if kind else ENDED, 0
    value = signed(bits, entry)
    return (used, places, value) if abs(value) <= most else (0, 0, 0)


@numba.njit(cache=True, nogil=True)
def _pair_entry(bits, table):
    """For one look: bits of two codes with their numbers, places of both, and both numbers.

    From the lowest bit these have 6, 4, 8, 6 and 8 bits: bits, first place, second place, second
    number, first number. Where only one is known, both places are the same. Where none is, the
    second place is the last one that there can be.
    """
    used, places, value = _known(bits, PAIR, 127, table)
    if used == 0:
        return np.int64(255) << 10
    if places == ENDED:
        return used | (ENDED - 1) << 10
    more, beyond, second = _known(bits << _U(used), PAIR - used, 31, table)
    last = places + beyond - 1
    return used + more | (places - 1) << 6 | last << 10 | (second & 63) << 18 | value << 24


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
    for i in range(1 << PAIR):
        table[PAIRS + i] = _pair_entry(_U(i) << _U(64 - PAIR), table)
    return used == symbols.size


@numba.njit(cache=True, nogil=True)
def long_entry(bits, table):
    """The entry of a code longer than PEEK; 0 where there is none."""
    for length in range(PEEK + 1, 17):
        code = np.int64(bits >> _U(64 - length))
        limit = table + _U(4 * ((1 << PEEK) + length))
        if code < np.int64(number_at(limit)):
            at = (code + np.int64(number_at(limit + _U(4 * 17))) - (1 << 16)) & 255
            return _entry(number_at(table + _U(4 * (SYMBOLS + at))), _U(length))
    return _U(0)
