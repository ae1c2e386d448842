# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""The inner loops of SSIM, in LLVM's vectors: whole numbers up to the final quotient.

Two sums share an int32, that of a below that of b: 49 bytes add up to less than 2**15. As a pair
of int16 they are squared and added by one instruction of x86 (pmaddwd).
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.lanes import (
    LANES,
    WORD,
    Lanes,
    array_data,
    load,
    pairs_added,
    rows_data,
    splat,
    store,
)

SIDE = 7
"""Pixels on a side of a window."""

_BYTES = ir.VectorType(ir.IntType(8), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_SHORTS = ir.VectorType(ir.IntType(16), 2 * LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_JOINED = ("contract",)  # products and sums may be joined


@intrinsic
def slide(_typing, new_a, new_b, old_a, old_b, sums, j):  # noqa: PLR0917
    """Move the sums of LANES columns from `j` on one row down.

    `sums` is int32, (3, columns): sum(a) + 2**16 sum(b), sum(a a + b b) and sum(a b); the rows that
    come and go are uint8, flat.
    """
    return types.void(new_a, new_b, old_a, old_b, sums, j), _emit_slide


def _emit_slide(context, builder, signature, arguments):
    j = arguments[5]
    pixels = []
    for i in range(4):
        row = array_data(context, builder, signature.args[i], arguments[i])
        pixels.append(Lanes(builder, builder.zext(load(builder, row, j, _BYTES), _INTS)))
    new_a, new_b, old_a, old_b = pixels
    come, gone = new_a | new_b << 16, old_a | old_b << 16
    changes = (
        come - gone,
        _dot(come, come) - _dot(gone, gone),
        _dot(new_a | old_a << 16, new_b - (old_b << 16)),
    )
    sums, width = rows_data(context, builder, signature.args[4], arguments[4])
    for i, change in enumerate(changes):
        at = builder.add(j, builder.mul(width, WORD(i)))
        old = Lanes(builder, load(builder, sums, at, _INTS))
        store(builder, sums, at, (old + change).value)
    return context.get_dummy_value()


@intrinsic
def add_similarity(_typing, sums, count, constants, totals):
    """Add the SSIM of the windows over columns 0 to count - 1 to `totals` (float32, (LANES,)).

    `sums` are those of `slide`, as wide as count + SIDE + 2 * LANES or wider; `constants` are two
    float32. With p = sum(a) sum(b) and d = sum(a) - sum(b), everything is a sum of non-negative
    integers below 2**31: 49 sum((a - b)**2) - d**2 is 49**2 times the variance of a - b.
    """
    return types.void(sums, count, constants, totals), _emit_similarity


def _emit_similarity(context, builder, signature, arguments):
    sums, width = rows_data(context, builder, signature.args[0], arguments[0])
    count = arguments[1]
    constants = [
        Lanes(builder, splat(builder, one, LANES), _JOINED)
        for one in cgutils.unpack_tuple(builder, arguments[2])
    ]
    out = array_data(context, builder, signature.args[3], arguments[3])
    total = cgutils.alloca_once_value(builder, load(builder, out, WORD(0), _FLOATS))
    lanes = ir.Constant(_INTS, [*range(LANES)])
    pairs = [
        cgutils.alloca_once_value(builder, _pairs(builder, sums, builder.mul(width, WORD(i))).value)
        for i in range(3)
    ]
    with cgutils.for_range_slice(builder, WORD(0), count, WORD(LANES), WORD) as (j, _):
        starts = [builder.add(j, builder.mul(width, WORD(i))) for i in range(3)]
        boxes = [_seven(builder, sums, *both) for both in zip(starts, pairs, strict=True)]
        value = _quotient(*boxes, *constants).value
        left = splat(builder, builder.trunc(builder.sub(count, j), ir.IntType(32)), LANES)
        inside = builder.icmp_signed("<", lanes, left)
        value = builder.select(inside, value, ir.Constant(_FLOATS, [0.0] * LANES))
        builder.store((Lanes(builder, builder.load(total)) + Lanes(builder, value)).value, total)
    store(builder, out, WORD(0), builder.load(total))
    return context.get_dummy_value()


def _seven(builder, sums, at, pair):
    """Sums of seven neighbours from `at` on; `pair`, those of two there, is moved on by LANES.

    Three twos and a seventh: half as many loads as seven, which cross a line of the cache each.
    """
    here, beyond = builder.load(pair), _pairs(builder, sums, builder.add(at, WORD(LANES))).value
    builder.store(beyond, pair)
    total = Lanes(builder, here) + Lanes(
        builder, load(builder, sums, builder.add(at, WORD(SIDE - 1)), _INTS)
    )
    for offset in (2, 4):
        moved = ir.Constant(_INTS, [*range(offset, offset + LANES)])
        total = total + Lanes(builder, builder.shuffle_vector(here, beyond, moved))
    return total


def _pairs(builder, sums, at):
    one, other = (load(builder, sums, builder.add(at, WORD(i)), _INTS) for i in (0, 1))
    return Lanes(builder, one) + Lanes(builder, other)


def _quotient(both, squares, products, mean_constant, variance_constant):
    product = _dot(both & 0xFFFF, both.unsigned_shift(16))
    apart = _dot(both, both) - (product << 1)
    variance = _float((squares - (products << 1)) * (SIDE * SIDE) - apart)
    means = _float(product << 1) + mean_constant
    structure = _float((products * (SIDE * SIDE) - product) << 1) + variance_constant
    return means * structure / ((_float(apart) + means) * (variance + structure))


def _dot(one, other):
    shorts = (one.builder.bitcast(lanes.value, _SHORTS) for lanes in (one, other))
    return Lanes(one.builder, pairs_added(one.builder, *shorts))


def _float(numbers):
    return Lanes(numbers.builder, numbers.builder.sitofp(numbers.value, _FLOATS), _JOINED)
