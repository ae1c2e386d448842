# mypy: ignore-errors
# (numba calls `_emit` with its own objects, none of which has types that mypy could see)
"""Four weighted sums at once, written in LLVM's vectors: numba's own loops spend longer on adding
up the lanes of each sum than on the products.

Whole numbers in float32: a weight of 22 bits is split in two of 11, so that a product has 19 bits
and LONGEST of them add up in a lane below 2**24, where float32 is exact. Fused or not, in whatever
order, the sums are the same bits.
"""

from __future__ import annotations

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.hashing.weights import FRACTION_BITS, LOW_BITS

LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8
LONGEST = 64  # products a lane: 64 * 2**10 * 255 < 2**24
SUMS = 4

_INT = ir.IntType(32)
_WORD = ir.IntType(64)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(_INT, LANES)


@intrinsic
def weighted_sums(_typing, rows, stride, high, low, steps):
    """SUMS grey levels: the weighted sums of as many rows of float32, rounded and clipped.

    `rows`, `high` and `low` are addresses, `stride` the bytes from row to row, `steps` the number
    of vectors of LANES weights.
    """
    return types.UniTuple(types.uint8, SUMS)(rows, stride, high, low, steps), _emit


def _emit(context, builder, signature, arguments):
    first, stride, high, low, steps = arguments
    rows = [first]
    for _ in range(SUMS - 1):
        rows.append(builder.add(rows[-1], stride))
    highs, lows = (
        [cgutils.alloca_once_value(builder, ir.Constant(_FLOATS, [0.0] * LANES)) for _ in rows]
        for _ in range(2)
    )
    with cgutils.for_range(builder, steps, intp=_WORD) as loop:
        offset = builder.mul(loop.index, _WORD(4 * LANES))
        weights = [_load(builder, address, offset) for address in (high, low)]
        for row, *sums in zip(rows, highs, lows, strict=True):
            pixels = _load(builder, row, offset)
            for weight, total in zip(weights, sums, strict=True):
                product = builder.fmul(pixels, weight, flags=("contract",))
                added = builder.fadd(builder.load(total), product, flags=("contract",))
                builder.store(added, total)
    whole = [_joined(builder, *pair) for pair in zip(highs, lows, strict=True)]
    levels = _rounded(builder, _across_lanes(builder, whole))
    each = [builder.extract_element(levels, _INT(i)) for i in range(SUMS)]
    return context.make_tuple(builder, signature.return_type, each)


def _load(builder, address, offset):
    place = builder.inttoptr(builder.add(address, offset), _FLOATS.as_pointer())
    return builder.load(place, align=4)


def _joined(builder, high, low):
    high, low = (builder.fptosi(builder.load(part), _INTS) for part in (high, low))
    return builder.add(builder.shl(high, ir.Constant(_INTS, [LOW_BITS] * LANES)), low)


def _across_lanes(builder, vectors):
    """The sum of each of four vectors, as one vector of four."""
    a, b, c, d = vectors
    pairs = _fold(builder, a, b, LANES), _fold(builder, c, d, LANES)
    folded, group = _fold(builder, *pairs, LANES // 2), LANES // 4
    while group > 1:
        folded, group = _fold(builder, folded, None, group), group // 2
    return folded


def _fold(builder, one, two, group):
    """Halves of each group of lanes added up, of vector one and then of vector two."""
    lanes = one.type.count * (1 if two is None else 2)
    starts = range(0, lanes, group)
    halves = [
        [start + half + i for start in starts for i in range(group // 2)]
        for half in (0, group // 2)
    ]
    other = one if two is None else two
    left, right = (
        builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_INT, len(half)), half))
        for half in halves
    )
    return builder.add(left, right)


def _rounded(builder, sums):
    def all_of(value):
        return ir.Constant(sums.type, [value] * SUMS)

    half, bits = all_of(1 << (FRACTION_BITS - 1)), all_of(FRACTION_BITS)
    level = builder.ashr(builder.add(sums, half), bits)
    for limit, beyond in ((all_of(0), "<"), (all_of(255), ">")):
        level = builder.select(builder.icmp_signed(beyond, level, limit), limit, level)
    return builder.trunc(level, ir.VectorType(ir.IntType(8), SUMS))
