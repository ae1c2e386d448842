# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""JPEG's inverse transform in LLVM's vectors, a pair of one block in each lane.

The algorithm is that of Loeffler, Ligtenberg and Moschytz (1989) with constants of 13 bits, rounded
as the "islow" transform of the IJG's library and of libjpeg-turbo: columns first, then rows.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from backlabel.lanes import WORD, Lanes, array_data, load, pairs_added, splat, store

BLOCKS = 8
"""Blocks of a strip. Registers of 512 bits would hold 16; multiplying them slows the core's clock."""

MOST = 5800
"""All numbers of decoders of 16 bits have 15 if sums of coefficients are not greater.

The first pass gives them numbers of 16 bits from one column of coefficients each, 4 x 1.387 times
as much; the second one adds up two of these, from columns 4 apart. Black letters on white have
blocks that are near it.
"""

PAIRS = (0, 4), (2, 6), (7, 1), (3, 5)
"""Rows, then columns, whose numbers lie side by side: what is multiplied by each is added up."""

POSITIONS = np.array(
    [
        2 * (8 * pair + x) + PAIRS[pair].index(y)
        for y in range(8)
        for x in range(8)
        for pair in range(4)
        if y in PAIRS[pair]
    ]
)
"""Of coefficients in a strip of one block, whose rows are in the order of PAIRS."""

_INTS = ir.VectorType(ir.IntType(32), BLOCKS)
_SHORTS = ir.VectorType(ir.IntType(16), 2 * BLOCKS)


@intrinsic
def next_bits(_typing, address):
    """The 64 bits at an address, the first one highest."""

    def emit(context, builder, signature, arguments):
        return builder.bswap(_loaded(builder, arguments[0], WORD))

    return types.uint64(address), emit


@intrinsic
def number_at(_typing, address):
    """The int32, none of them negative, at an address."""

    def emit(context, builder, signature, arguments):
        return builder.zext(_loaded(builder, arguments[0], ir.IntType(32)), WORD)

    return types.uint64(address), emit


@intrinsic
def put(_typing, address, value):
    """Store an int16 at an address."""

    def emit(context, builder, signature, arguments):
        place = builder.inttoptr(arguments[0], ir.IntType(16).as_pointer())
        builder.store(builder.trunc(arguments[1], ir.IntType(16)), place, align=1)
        return context.get_dummy_value()

    return types.void(address, value), emit


@intrinsic
def put_bits(_typing, address, bits):
    """Store 64 bits at an address, the highest first."""

    def emit(context, builder, signature, arguments):
        place = builder.inttoptr(arguments[0], WORD.as_pointer())
        builder.store(builder.bswap(arguments[1]), place, align=1)
        return context.get_dummy_value()

    return types.void(address, bits), emit


def _loaded(builder, address, kind):
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


@intrinsic
def transform(_typing, coefficients, start, steps, out, at, width):
    """Samples of BLOCKS blocks side by side, to `out` (uint8, flat, `width` a row) from `at` on.

    `coefficients` (int16, flat) holds a strip at `start`; it is zeros then. Coefficient i of block
    b is at 2 * (BLOCKS * (POSITIONS[i] // 2) + b) + POSITIONS[i] % 2 there. True
    if all are so small that decoders of 16 bits do not saturate; `out` may be wrong otherwise.
    """
    arguments = (coefficients, start, steps, out, at, width)
    return types.boolean(*arguments), _emit_transform


def _emit_transform(context, builder, signature, arguments):
    source, steps, out = (
        array_data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3)
    )
    steps = builder.bitcast(steps, ir.IntType(32).as_pointer())
    grid, totals = [], [_all(builder, 0)] * 4
    for i in range(32):
        place = builder.add(arguments[1], WORD(2 * BLOCKS * i))
        numbers = load(builder, source, place, _SHORTS)
        store(builder, source, place, ir.Constant(_SHORTS, [0] * 2 * BLOCKS))
        step = splat(builder, builder.load(builder.gep(steps, [WORD(i)])), BLOCKS)
        step = builder.bitcast(step, _SHORTS)
        grid.append(builder.mul(numbers, step))
        totals[i % 4] += Lanes(builder, pairs_added(builder, _absolute(builder, numbers), step))
    columns = [_eight(builder, grid[x::8], 1 << 10) for x in range(8)]
    for y in range(8):
        column = [columns[x][y] for x in range(8)]
        pairs = [_packed(builder, *(column[x] for x in pair), 11) for pair in PAIRS]
        bright = _eight(builder, pairs, (1 << 17) + (128 << 18))
        place = builder.add(arguments[4], builder.mul(arguments[5], WORD(y)))
        _put_row(builder, out, place, bright)
    return _none_above(builder, totals, MOST)


def _eight(builder, pairs, rounding):
    """One dimension, 13 bits up, of pairs in the order of PAIRS; the sums of `rounding` and it."""

    def of(pair, first, second):
        factors = ir.Constant(_SHORTS, [first, second] * BLOCKS)
        return Lanes(builder, pairs_added(builder, pair, factors))

    p04, p26, p71, p35 = pairs
    both = builder.add(p71, p35)
    t0, t1 = of(p04, 8192, 8192) + rounding, of(p04, 8192, -8192) + rounding
    t2, t3 = of(p26, 4433, 4433 - 15137), of(p26, 4433 + 6270, 4433)
    z3, z4 = of(both, 9633 - 16069, 9633), of(both, 9633, 9633 - 3196)
    a0, a3, a1, a2 = t0 + t3, t0 - t3, t1 + t2, t1 - t2
    b0, b3 = of(p71, 2446 - 7373, -7373) + z3, of(p71, -7373, 12299 - 7373) + z4
    b1, b2 = of(p35, -20995, 16819 - 20995) + z4, of(p35, 25172 - 20995, -20995) + z3
    return a0 + b3, a1 + b2, a2 + b1, a3 + b0, a3 - b0, a2 - b1, a1 - b2, a0 - b3


def _packed(builder, one, other, bits):
    """Pairs of what is `bits` above in both; it has 16 bits."""
    low = one >> bits & 0xFFFF
    high = (other << 16 - bits if bits < 16 else other >> bits - 16) & -0x10000
    return builder.bitcast((low | high).value, _SHORTS)


def _put_row(builder, out, place, bright):
    """A row of all blocks, each of which has four samples in each of two registers."""
    halves = []
    for x in (0, 4):
        even, odd = (_clipped(builder, *bright[i : i + 3 : 2]) for i in (x, x + 1))
        halves.append((even | odd << 8).value)
    for i in range(2):
        first = i * BLOCKS // 2
        order = [j + side for j in range(first, first + BLOCKS // 2) for side in (0, BLOCKS)]
        samples = builder.shuffle_vector(*halves, ir.Constant(_INTS, order))
        store(builder, out, builder.add(place, WORD(4 * BLOCKS * i)), samples)


def _clipped(builder, one, other):
    """Pairs of samples, from 18 bits above."""
    level = _packed(builder, one, other, 18)
    for limit, beyond in ((0, "<"), (255, ">")):
        edge = ir.Constant(_SHORTS, [limit] * 2 * BLOCKS)
        level = builder.select(builder.icmp_signed(beyond, level, edge), edge, level)
    return Lanes(builder, builder.bitcast(level, _INTS))


def _absolute(builder, numbers):
    none = ir.Constant(_SHORTS, [0] * 2 * BLOCKS)
    negative = builder.icmp_signed("<", numbers, none)
    return builder.select(negative, builder.sub(none, numbers), numbers)


def _none_above(builder, totals, limit):
    one, *others = [builder.icmp_signed(">", total.value, _all(builder, limit).value) for total in totals]
    for other in others:
        one = builder.or_(one, other)
    together = builder.bitcast(one, ir.IntType(BLOCKS))
    return builder.icmp_unsigned("==", together, together.type(0))


def _all(builder, number):
    return Lanes(builder, ir.Constant(_INTS, [number] * BLOCKS))
