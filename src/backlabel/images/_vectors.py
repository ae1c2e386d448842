# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""JPEG's inverse transform in LLVM's vectors, a pair of one block in each lane.

The algorithm is that of Loeffler, Ligtenberg and Moschytz (1989) with constants of 13 bits, rounded
as the "islow" transform of the IJG's library and of libjpeg-turbo: columns first, then rows.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.kernels.lanes import (
    WORD,
    Lanes,
    array_data,
    greater,
    load,
    pairs_added,
    shuffled,
    splat,
    store,
)

BLOCKS = 8
"""Blocks of a strip. Registers of 512 bits would hold 16, but to multiply them slows the clock."""

MOST = 5800
"""All numbers of decoders of 16 bits have 15 if sums of coefficients are not greater.

The first pass gives them numbers of 16 bits from one column of coefficients each, 4 x 1.387 times
as much; the second one adds up two of these, from columns 4 apart. Black letters on white have
blocks that are near it.
"""

PAIRS = (0, 4), (2, 6), (1, 5), (3, 7)
"""Rows, and columns, whose numbers lie side by side: multiplied, they are added up at once."""

_ORDER = [i for pair in PAIRS for i in pair]
POSITIONS = np.array([8 * _ORDER.index(x) + _ORDER.index(y) for y in range(8) for x in range(8)])
"""Of coefficients in a strip of one block: column by column, both in the order of PAIRS."""

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
def transform(_typing, coefficients, start, steps, out, at, width):  # noqa: PLR0917
    """Samples of BLOCKS blocks side by side, to `out` (uint8, flat, `width` a row) from `at` on.

    `coefficients` (int16, flat) holds a strip at `start`; it is zeros then. Coefficient i of block
    b is at 2 * (BLOCKS * (POSITIONS[i] // 2) + b) + POSITIONS[i] % 2 there. True
    if all are so small that decoders of 16 bits do not saturate; `out` may be wrong otherwise.
    """
    arguments = (coefficients, start, steps, out, at, width)
    return types.boolean(*arguments), _emit_transform


def _emit_transform(context, builder, signature, arguments):
    """In loops: the code that reads codes remains in the cache of decoded instructions."""
    source, steps, out = (
        array_data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3)
    )
    middle = cgutils.alloca_once(builder, _SHORTS, size=32)
    greatest = cgutils.alloca_once_value(builder, _all(builder, 0).value)
    with cgutils.for_range(builder, WORD(4), intp=WORD) as loop:
        first = builder.mul(loop.index, WORD(8))
        columns, total = [], _all(builder, 0)
        for i in (0, 4):
            pairs, sums = _taken(builder, source, arguments[1], steps, builder.add(first, WORD(i)))
            columns.append(_eight(builder, pairs, 1 << 10))
            total += sums
        greatest_yet = greater(builder, total.value, builder.load(greatest))
        builder.store(greatest_yet, greatest)
        for y, (one, other) in enumerate(zip(*columns, strict=True)):
            place = builder.add(loop.index, WORD(4 * y))
            builder.store(_packed(builder, one, other, 11), builder.gep(middle, [place]))
    with cgutils.for_range(builder, WORD(8), intp=WORD) as loop:
        first = builder.mul(loop.index, WORD(4))
        places = [builder.gep(middle, [builder.add(first, WORD(i))]) for i in range(4)]
        bright = _eight(builder, [builder.load(place) for place in places], (1 << 17) + (128 << 18))
        row = builder.add(arguments[4], builder.mul(arguments[5], loop.index))
        _put_row(builder, out, row, bright)
        _expect_write(builder, out, builder.add(row, WORD(8 * BLOCKS)))
    return _none_above(builder, builder.load(greatest), MOST)


def _taken(builder, source, start, steps, first):
    """One column's pairs, by their steps, and the sum of all sizes; zeros stay in their place."""
    pairs, total = [], _all(builder, 0)
    for i in range(4):
        index = builder.add(first, WORD(i))
        place = builder.add(start, builder.mul(index, WORD(2 * BLOCKS)))
        numbers = load(builder, source, place, _SHORTS)
        store(builder, source, place, ir.Constant(_SHORTS, [0] * 2 * BLOCKS))
        two = load(builder, steps, builder.mul(index, WORD(2)), ir.IntType(32))
        step = builder.bitcast(splat(builder, two, BLOCKS), _SHORTS)
        pairs.append(builder.mul(numbers, step))
        total += Lanes(builder, pairs_added(builder, _absolute(builder, numbers), step))
    return pairs, total


def _eight(builder, pairs, rounding):
    """One dimension, 13 bits up, of pairs in the order of PAIRS; the sums of `rounding` and it."""

    def of(pair, first, second):
        factors = ir.Constant(_SHORTS, [first, second] * BLOCKS)
        return Lanes(builder, pairs_added(builder, pair, factors))

    p04, p26, p15, p37 = pairs
    t0, t1 = of(p04, 8192, 8192) + rounding, of(p04, 8192, -8192) + rounding
    t2, t3 = of(p26, 4433, 4433 - 15137), of(p26, 4433 + 6270, 4433)
    a0, a3, a1, a2 = t0 + t3, t0 - t3, t1 + t2, t1 - t2
    b0 = of(p15, 9633 - 7373, 9633) + of(p37, 9633 - 16069, 2446 - 7373 + 9633 - 16069)
    b1 = of(p15, 9633 - 3196, 16819 - 20995 + 9633 - 3196) + of(p37, 9633 - 20995, 9633)
    b2 = of(p15, 9633, 9633 - 20995) + of(p37, 25172 - 20995 + 9633 - 16069, 9633 - 16069)
    b3 = of(p15, 12299 - 7373 + 9633 - 3196, 9633 - 3196) + of(p37, 9633, 9633 - 7373)
    return a0 + b3, a1 + b2, a2 + b1, a3 + b0, a3 - b0, a2 - b1, a1 - b2, a0 - b3


def _packed(builder, one, other, bits):
    """Pairs of what is `bits` above in both; it has 16 bits."""
    low, high = one >> bits, other >> bits << 16
    return builder.bitcast((low & 0xFFFF | high).value, _SHORTS)


def _put_row(builder, out, place, bright):
    """A row of all blocks, each of which has four samples in each of two registers."""
    halves = []
    for x in (0, 4):
        even, odd = (_clipped(builder, *bright[i : i + 3 : 2]) for i in (x, x + 1))
        halves.append((even | odd << 8).value)
    for i in range(2):
        first = i * BLOCKS // 2
        order = [j + side for j in range(first, first + BLOCKS // 2) for side in (0, BLOCKS)]
        samples = shuffled(builder, *halves, order)
        store(builder, out, builder.add(place, WORD(4 * BLOCKS * i)), samples)


def _expect_write(builder, pointer, index):
    """Fetch the cache line, if there is one: the first write to a row would wait for it."""
    address = builder.gep(pointer, [index])
    write, keep, data = (ir.IntType(32)(number) for number in (1, 3, 1))
    kind = ir.FunctionType(ir.VoidType(), [address.type, *[write.type] * 3])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(prefetch, [address, write, keep, data])


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


def _none_above(builder, numbers, limit):
    above = builder.icmp_signed(">", numbers, _all(builder, limit).value)
    together = builder.bitcast(above, ir.IntType(BLOCKS))
    return builder.icmp_unsigned("==", together, together.type(0))


def _all(builder, number):
    return Lanes(builder, ir.Constant(_INTS, [number] * BLOCKS))
