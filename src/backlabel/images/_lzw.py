"""LZW as in TIFF, in a compiled loop: strings are not kept, but found where they were written.

Source: TIFF 6.0, section 13: codes of 9 to 12 bits, the first one highest, 256 clears the table,
257 ends the data, and codes grow by a bit one entry before they must.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from backlabel.images._vectors import next_bits, put_bits

_WORD = 8  # bytes
_CLEAR, _END = 256, 257
_SHORTEST, _LONGEST = 9, 12  # bits of a code
_BROKEN = -2


@numba.njit(cache=True, nogil=True, inline="always")
def _copy(out, source, target, length):  # type: ignore[no-untyped-def]
    """As memcpy, but in order: what is copied may begin with what is being written."""
    if length <= _WORD and target - source >= _WORD and target + _WORD <= out.size:
        start = np.uint64(out.ctypes.data)
        put_bits(start + np.uint64(target), next_bits(start + np.uint64(source)))  # type: ignore[call-arg]
        return
    for i in range(length):
        out[target + i] = out[source + i]


@numba.njit(
    numba.int64(numba.types.Array(numba.uint8, 1, "C", readonly=True), numba.uint8[::1]),
    cache=True,
    nogil=True,
)
def _decode(data, out):  # type: ignore[no-untyped-def]
    starts, lengths = np.empty(1 << _LONGEST, np.int64), np.empty(1 << _LONGEST, np.int64)
    width, free = np.int64(_SHORTEST), np.int64(1 << _LONGEST)  # until the table is cleared
    used, filled, last = np.int64(0), np.int64(0), np.int64(0)
    while used + width <= 8 * (data.size - _WORD):
        address = np.uint64(data.ctypes.data + (used >> 3))
        bits = next_bits(address) << np.uint64(used & 7)  # type: ignore[call-arg]
        code = np.int64(bits >> np.uint64(64 - width))
        used += width
        if code == _CLEAR:
            width, free, last = np.int64(_SHORTEST), np.int64(_END), np.int64(0)
            continue
        if code == _END:
            return filled if filled else -1
        if free >= 1 << _LONGEST:  # not one entry may be too many
            return -1
        if code > free or (free == _END and code >= _CLEAR):
            return _BROKEN - filled
        if free > _END:  # the last string and the first byte after it
            starts[free], lengths[free] = filled - last, last + 1
        last = np.int64(1) if code < _CLEAR else lengths[code]
        if filled + last > out.size:
            return -1
        if code < _CLEAR:
            out[filled] = code
        else:
            _copy(out, starts[code], filled, last)
        filled += last
        free += 1
        if free >= (1 << width) - 1 and width < _LONGEST:
            width += 1
    return -1


def lzw_decode(data: bytes, out: NDArray[np.uint8]) -> int:
    """Bytes written to the flat `out`, or less than 0 where the data are unusual in any way.

    They are then the library's, which knows what to make of them: another order of bits, no end,
    more data than there is room for. All but those that `is_broken`.
    """
    filled: int = _decode(np.frombuffer(data + bytes(_WORD), np.uint8), out)
    return filled


def is_broken(filled: int, needed: int) -> bool:
    """Whether, after less than `needed` bytes, `lzw_decode` met a string that nothing defines.

    imagecodecs 2026.3.6 then reads memory that was never written, and may crash.
    """
    return filled <= _BROKEN and _BROKEN - filled < needed
