# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""JPEG's inverse transform in LLVM's vectors, a block in each lane.

The algorithm is that of Loeffler, Ligtenberg and Moschytz (1989) with constants of 13 bits, rounded
as the "islow" transform of the IJG's library and of libjpeg-turbo: columns first, then rows.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from backlabel.lanes import LANES, WORD, Lanes, array_data, load, splat, store

_INTS = ir.VectorType(ir.IntType(32), LANES)
_SHORTS = ir.VectorType(ir.IntType(16), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)
MOST = 5800  # 4 x 1.387 times as much is what one pass of the transform makes of a sum: 15 bits


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
    """Samples of LANES blocks side by side, to `out` (uint8, flat, `width` a row) from `at` on.

    `coefficients` is int16, flat; coefficient i of block b is at `start + i * LANES + b`, and to be
    multiplied by step i (int32). True if all are so small that decoders of 16 bits do not saturate.
    """
    arguments = (coefficients, start, steps, out, at, width)
    return types.boolean(*arguments), _emit_transform


def _emit_transform(context, builder, signature, arguments):
    source, steps, out = (
        array_data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3)
    )
    grid = []
    for i in range(64):
        short = load(builder, source, builder.add(arguments[1], WORD(i * LANES)), _SHORTS)
        step = splat(builder, builder.load(builder.gep(steps, [WORD(i)])), LANES)
        grid.append(Lanes(builder, builder.mul(builder.sext(short, _INTS), step)))
    fits = _fits(builder, grid)
    for x in range(8):
        grid[x::8] = [(value + (1 << 10)) >> 11 for value in _eight(*grid[x::8])]
    for y in range(8):
        row = [((value + (1 << 17)) >> 18) + 128 for value in _eight(*grid[8 * y : 8 * y + 8])]
        place = builder.add(arguments[4], builder.mul(arguments[5], WORD(y)))
        pixels = _interleaved(builder, [_clipped(builder, level.value) for level in row])
        store(builder, out, place, pixels)
    return fits


def _fits(builder, grid):
    """Whether decoders of 16 bits do not saturate: all of their numbers must have 15.

    The first pass gives them numbers of 16 bits from one column of coefficients each; the second
    one adds up two of these, from columns 4 apart. Black letters on white have such blocks.
    """
    bad = []
    for x in range(4):
        total, *others = [_absolute(builder, value) for value in (*grid[x::8], *grid[x + 4 :: 8])]
        for other in others:
            total += other
        limit = ir.Constant(_INTS, [MOST] * LANES)
        bad.append(builder.icmp_signed(">", total.value, limit))
    any_bad = builder.or_(builder.or_(bad[0], bad[1]), builder.or_(bad[2], bad[3]))
    together = builder.bitcast(any_bad, ir.IntType(LANES))
    return builder.icmp_unsigned("==", together, together.type(0))


def _absolute(builder, lanes):
    none = ir.Constant(_INTS, [0] * LANES)
    negative = builder.icmp_signed("<", lanes.value, none)
    return Lanes(builder, builder.select(negative, builder.sub(none, lanes.value), lanes.value))


def _eight(x0, x1, x2, x3, x4, x5, x6, x7):  # noqa: PLR0917 as many as there are
    """One dimension, 13 bits up."""
    z = (x2 + x6) * 4433
    t2, t3 = z - x6 * 15137, z + x2 * 6270
    t0, t1 = (x0 + x4) << 13, (x0 - x4) << 13
    a0, a3, a1, a2 = t0 + t3, t0 - t3, t1 + t2, t1 - t2
    z1, z2, z3, z4 = x7 + x1, x5 + x3, x7 + x3, x5 + x1
    z5 = (z3 + z4) * 9633
    z1, z2, z3, z4 = z1 * -7373, z2 * -20995, z5 - z3 * 16069, z5 - z4 * 3196
    b0, b1 = x7 * 2446 + z1 + z3, x5 * 16819 + z2 + z4
    b2, b3 = x3 * 25172 + z2 + z3, x1 * 12299 + z1 + z4
    return a0 + b3, a1 + b2, a2 + b1, a3 + b0, a3 - b0, a2 - b1, a1 - b2, a0 - b3


def _clipped(builder, level):
    for limit, beyond in ((0, "<"), (255, ">")):
        edge = ir.Constant(_INTS, [limit] * LANES)
        level = builder.select(builder.icmp_signed(beyond, level, edge), edge, level)
    return builder.trunc(level, _BYTES)


def _interleaved(builder, vectors):
    """First elements of all vectors, then second ones, and so on."""
    while len(vectors) > 1:
        half = len(vectors) // 2
        count = vectors[0].type.count
        lanes = [i + side for i in range(count) for side in (0, count)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 2 * count), lanes)
        vectors = [
            builder.shuffle_vector(one, two, mask)
            for one, two in zip(vectors[:half], vectors[half:], strict=True)
        ]
    return vectors[0]
