# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""SHA-256 of several messages side by side, in LLVM's vectors: one message a lane.

A round waits for the round before, so that one message leaves most of the processor idle; messages
do not wait for each other. Source: FIPS 180-4, sections 4.1.2, 5.1.1, 5.3.3 and 6.2.
"""

from __future__ import annotations

import math

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba import int64, uint32, uint64
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from backlabel.kernels.lanes import (
    WORD,
    Lanes,
    array_data,
    load,
    shuffled,
    splat,
    store,
    transposed,
)

LANES = 8
"""Of 32 bits: registers of 256 bits, as wider ones slow the clock for all that comes after."""
BLOCK = 64  # bytes
COMPILED = not config.DISABLE_JIT
_CAN = llvm.get_host_cpu_features()
QUICKER = COMPILED and bool(_CAN.get("avx2")) and not _CAN.get("sha")
"""Whether one message at a time is slower: not where the processor has instructions for it."""

_INTS = ir.VectorType(ir.IntType(32), LANES)
_BYTES = ir.VectorType(ir.IntType(8), 4 * LANES)
_ROUNDS = 64


def _cube_root(value: int) -> int:
    root = round(value ** (1 / 3))
    while root**3 > value:
        root -= 1
    while (root + 1) ** 3 <= value:
        root += 1
    return root


_PRIMES = [n for n in range(2, 312) if all(n % i for i in range(2, math.isqrt(n) + 1))]
START = [math.isqrt(prime << 64) & 0xFFFFFFFF for prime in _PRIMES[:8]]
"""The first 32 bits behind the point of the square roots of the first 8 primes."""
_ADDED = [_cube_root(prime << 96) & 0xFFFFFFFF for prime in _PRIMES[:_ROUNDS]]
"""The same of the cube roots of the first 64 primes."""


@intrinsic
def _compress(_typing, places, goes_on, state):
    """Take in one block of each message: `places` (LANES,) of uint64 are their addresses.

    `state` is uint32 (8, LANES); lanes with 0 in `goes_on` (uint32; else all bits) keep theirs.
    """
    return types.void(places, goes_on, state), _emit_compress


def _emit_compress(context, builder, signature, arguments):
    places, goes_on, kept = (
        array_data(context, builder, *pair) for pair in zip(signature.args, arguments, strict=True)
    )
    before = [Lanes(builder, load(builder, kept, WORD(LANES * i), _INTS)) for i in range(8)]
    words, state = _words(builder, places), list(before)
    for i, word in enumerate(words):
        _round(state, word + _ADDED[i])
    # A loop: 64 rounds one after the other are more than the processor keeps decoded.
    slots = [cgutils.alloca_once_value(builder, one.value) for one in (*words, *state)]
    added = cgutils.global_constant(builder.module, "sha256_added", _constants(_ADDED))
    with cgutils.for_range(builder, WORD(_ROUNDS // 16 - 1), intp=WORD) as loop:
        loaded = [Lanes(builder, builder.load(slot)) for slot in slots]
        words, state = loaded[:16], loaded[16:]
        first = builder.shl(builder.add(loop.index, WORD(1)), WORD(4))
        for i in range(16):
            words[i] = _scheduled(words, i)
            place = builder.gep(added, [WORD(0), builder.add(first, WORD(i))])
            _round(state, words[i] + Lanes(builder, splat(builder, builder.load(place), LANES)))
        for slot, one in zip(slots, (*words, *state), strict=True):
            builder.store(one.value, slot)
    after = [Lanes(builder, builder.load(slot)) for slot in slots[16:]]
    mask = Lanes(builder, load(builder, goes_on, WORD(0), _INTS))
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        store(builder, kept, WORD(LANES * i), (old + (new & mask)).value)
    return context.get_dummy_value()


def _constants(values):
    return ir.Constant(ir.ArrayType(ir.IntType(32), len(values)), values)


def _round(state, word):
    a, b, c, d, e, f, g, h = state
    chosen = g ^ (e & (f ^ g))
    most = (a & b) | (c & (a | b))
    first = (h + word + chosen) + _turned(e, 6, 11, 25)  # what takes longest comes last
    state[:] = [first + _turned(a, 2, 13, 22) + most, a, b, c, d + first, e, f, g]


def _scheduled(words, i):
    """Of 16 words the one that takes the place of word i; those before it have been replaced."""
    early, late = words[(i + 1) % 16], words[(i + 14) % 16]
    one = _turned(early, 7, 18) ^ early.unsigned_shift(3)
    other = _turned(late, 17, 19) ^ late.unsigned_shift(10)
    return words[i] + one + words[(i + 9) % 16] + other


def _turned(word, *turns):
    found = None
    for bits in turns:
        turned = word.unsigned_shift(bits) | word << (32 - bits)
        found = turned if found is None else found ^ turned
    return found


def _words(builder, places):
    """The 16 words of a block, each of all messages."""
    halves = [[], []]
    for lane in range(LANES):
        place = builder.load(builder.gep(places, [WORD(lane)]))
        block = builder.inttoptr(place, ir.IntType(8).as_pointer())
        for half in range(2):
            big_endian = load(builder, block, WORD(4 * LANES * half), _BYTES)
            halves[half].append(builder.bitcast(_swapped(builder, big_endian), _INTS))
    return [Lanes(builder, word) for half in halves for word in transposed(builder, half)]


def _swapped(builder, vector):
    order = [4 * (i // 4) + 3 - i % 4 for i in range(4 * LANES)]
    return shuffled(builder, vector, vector, order)


@numba.njit(
    [types.void(uint64[::1], int64[::1], uint64[::1], int64[::1], uint32[:, ::1])],
    cache=True,
    nogil=True,
)
def take_in(starts, whole, tails, blocks, state):
    """Take in LANES messages. Lane i has `blocks[i]`, of which the last lie elsewhere.

    Its first `whole[i]` blocks begin at the address `starts[i]`, the others (one or two) at
    `tails[i]`, where there must be a block in any case. `state` (8, LANES) holds START before and
    the digests afterwards.
    """
    places, goes_on = np.empty(LANES, np.uint64), np.empty(LANES, np.uint32)
    most = int64(0)
    for i in range(LANES):
        most = max(most, blocks[i])
    for n in range(most):
        for i in range(LANES):
            inside = n < blocks[i]
            goes_on[i] = 0xFFFFFFFF if inside else 0
            if n < whole[i]:
                places[i] = starts[i] + uint64(BLOCK * n)
            elif inside:
                places[i] = tails[i] + uint64(BLOCK * (n - whole[i]))
            else:
                places[i] = tails[i]  # read, and not taken in
        _compress(places, goes_on, state)
