# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""The inner loops of resizing, in LLVM's vectors.

Lanes are rows of the image: each weight meets LANES rows at once, and no sum runs across lanes.
Pixels and weights are int16, two neighbours a lane, which x86 multiplies and adds in one
instruction (pmaddwd). A weight of 22 bits is split in two of 11, so that MOST products of 18 bits
add up below 2**31: whole numbers, the same bits in whatever order.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.hashing.weights import FRACTION_BITS, LOW_BITS
from backlabel.kernels.lanes import LANES, WORD, load, pairs_added, splat, store, transposed

GROUPS = 4  # of LANES rows: enough independent sums to hide how long one addition takes
MOST = 1 << 13  # products in a sum: 2**13 * 2**10 * 255 < 2**31

_BYTE, _INT = ir.IntType(8), ir.IntType(32)
_INTS = ir.VectorType(_INT, LANES)
_BYTES = ir.VectorType(_BYTE, LANES)
_SHORTS = ir.VectorType(ir.IntType(16), 2 * LANES)


@intrinsic
def pack(_typing, rows, first, column, packed):
    """`packed[column // 2 + i, j] = rows[first + j, column + 2 * i :][:2]` for i, j < LANES.

    `rows` is uint8, (more than first + LANES, a multiple of 2 * LANES), `packed` int32,
    (columns / 2, LANES): two int16 in each.
    """
    return types.void(rows, first, column, packed), _emit_pack


@intrinsic
def weigh(_typing, packed, first, halves, i, out, at, apart):  # noqa: PLR0917
    """Grey levels of one output of GROUPS * LANES rows: weighted sums, rounded and clipped.

    `packed` is int32, (GROUPS, pairs, LANES), read from pair `first` on; `halves` int16,
    (2, outputs, 2 * steps), of which output `i` is taken. The groups go to `out` (uint8, flat) at
    `at`, `at + LANES`, `at + apart` and `at + apart + LANES`.
    """
    return types.void(packed, first, halves, i, out, at, apart), _emit_weigh


def _emit_pack(context, builder, signature, arguments):
    rows, first, column, packed = (
        _array(context, builder, *pair) if isinstance(pair[0], types.Array) else pair[1]
        for pair in zip(signature.args, arguments, strict=True)
    )
    width = cgutils.unpack_tuple(builder, rows.shape)[1]
    at = builder.add(builder.mul(first, width), column)
    vectors = []
    for row in range(LANES):
        place = builder.add(at, builder.mul(width, WORD(row)))
        pixels = load(builder, rows.data, place, ir.VectorType(_BYTE, 2 * LANES))
        vectors.append(builder.bitcast(builder.zext(pixels, _SHORTS), _INTS))
    out = builder.mul(column, WORD(LANES // 2))
    for i, vector in enumerate(transposed(builder, vectors)):
        store(builder, packed.data, builder.add(out, WORD(LANES * i)), vector)
    return context.get_dummy_value()


def _emit_weigh(context, builder, signature, arguments):
    packed, first, halves, i, out, at, apart = (
        _array(context, builder, *pair) if isinstance(pair[0], types.Array) else pair[1]
        for pair in zip(signature.args, arguments, strict=True)
    )
    _, pairs, _ = cgutils.unpack_tuple(builder, packed.shape)
    _, outputs, length = cgutils.unpack_tuple(builder, halves.shape)
    group = builder.mul(pairs, WORD(LANES))
    zero = ir.Constant(_INTS, [0] * LANES)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in "hl"] for _ in range(GROUPS)]
    steps = builder.lshr(length, WORD(1))
    with cgutils.for_range(builder, steps, intp=WORD) as loop:
        weights = []
        for row in (i, builder.add(i, outputs)):
            place = builder.add(builder.mul(row, length), builder.shl(loop.index, WORD(1)))
            pair = splat(builder, load(builder, halves.data, place, _INT), LANES)
            weights.append(builder.bitcast(pair, _SHORTS))
        start = builder.mul(builder.add(first, loop.index), WORD(LANES))
        for g, both in enumerate(sums):
            place = builder.add(start, builder.mul(group, WORD(g)))
            pixels = load(builder, packed.data, place, _SHORTS)
            for weight, total in zip(weights, both, strict=True):
                product = pairs_added(builder, pixels, weight)
                builder.store(builder.add(builder.load(total), product), total)
    for g, (high, low) in enumerate(sums):
        levels = _rounded(builder, builder.load(high), builder.load(low))
        place = builder.add(at, apart) if g >= GROUPS // 2 else at
        store(builder, out.data, builder.add(place, WORD(g % (GROUPS // 2) * LANES)), levels)
    return context.get_dummy_value()


def _rounded(builder, high, low):
    def all_of(value):
        return ir.Constant(_INTS, [value] * LANES)

    whole = builder.add(builder.shl(high, all_of(LOW_BITS)), low)
    level = builder.add(whole, all_of(1 << (FRACTION_BITS - 1)))
    level = builder.ashr(level, all_of(FRACTION_BITS))
    for limit, beyond in ((all_of(0), "<"), (all_of(255), ">")):
        level = builder.select(builder.icmp_signed(beyond, level, limit), limit, level)
    return builder.trunc(level, _BYTES)


def _array(context, builder, kind, value):
    return context.make_array(kind)(context, builder, value)
