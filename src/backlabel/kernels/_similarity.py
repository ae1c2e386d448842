# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""The inner loops of SSIM, in LLVM's vectors: whole numbers up to the final quotient.

A lane is a run of columns, so that a window slides along its lane: one column comes, one goes, and
no sum crosses lanes. A pixel of a and the one of b beside it are int16 that share 32 bits, and so
are their sums, 49 bytes adding up to less than 2**15; x86 multiplies and adds such pairs in one
instruction (pmaddwd).
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.kernels.lanes import (
    LANES,
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

SIDE = 7
"""Pixels on a side of a window."""

BLOCK = 16
"""Columns of each run that `turn` takes at once."""

_QUARTERS = LANES // 4  # of a register; they hold BLOCK bytes each
_BYTES = ir.VectorType(ir.IntType(8), BLOCK)
_PIXELS = ir.VectorType(ir.IntType(8), 2 * LANES)
_SHORTS = ir.VectorType(ir.IntType(16), 2 * LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_JOINED = ("contract",)  # products and sums may be joined


@intrinsic
def turn(_typing, row_a, row_b, run, first, out, at):  # noqa: PLR0917
    """`out[at + 2 * (LANES * i + lane)]` is `row_a[run * lane + first + i]`, the next one b's.

    For i < BLOCK; all flat arrays of uint8, which hold that much.
    """
    return types.void(row_a, row_b, run, first, out, at), _emit_turn


def _emit_turn(context, builder, signature, arguments):
    run, first, at = arguments[2], arguments[3], arguments[5]
    a, b = (
        _columns(builder, array_data(context, builder, signature.args[i], arguments[i]), run, first)
        for i in (0, 1)
    )
    out = array_data(context, builder, signature.args[4], arguments[4])
    half = BLOCK // 2
    for fours in zip(a, b, strict=True):
        ends = [_in_quarters(builder, *fours, start, 1) for start in (0, half)]
        for low in (0, _QUARTERS // 2):
            places = [
                BLOCK * (low + i + _QUARTERS * end) + byte
                for i in range(_QUARTERS // 2)
                for end in (0, 1)
                for byte in range(BLOCK)
            ]
            store(builder, out, at, shuffled(builder, *ends, places))
            at = builder.add(at, WORD(BLOCK * _QUARTERS))
    return context.get_dummy_value()


def _columns(builder, row, run, first):
    """BLOCK / 4 vectors, in each of them LANES bytes of four columns, one column after another."""
    rows = [
        load(builder, row, builder.add(first, builder.mul(run, WORD(lane))), _BYTES)
        for lane in range(LANES)
    ]
    # Lanes k, k + 4, ... fill the quarters of vector k: then all but one exchange is within them.
    mixed = [_joined(builder, rows[k::4]) for k in range(4)]
    even, odd = mixed[::2], mixed[1::2]
    found = []
    for start in (0, BLOCK // 2):
        pairs = [_in_quarters(builder, *both, start, 1) for both in zip(even, odd, strict=True)]
        found += [_in_quarters(builder, *pairs, begin, 2) for begin in (0, BLOCK // 2)]
    places = [
        BLOCK * quarter + 4 * column + byte
        for column in range(4)
        for quarter in range(_QUARTERS)
        for byte in range(4)
    ]
    return [shuffled(builder, fours, fours, places) for fours in found]


def _joined(builder, vectors):
    while len(vectors) > 1:
        count = vectors[0].type.count
        vectors = [
            shuffled(builder, *both, range(2 * count))
            for both in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    return vectors[0]


def _in_quarters(builder, one, other, start, size):
    """`size` bytes of one and of the other by turns, half of each quarter from `start` on."""
    places = [
        BLOCK * (quarter + _QUARTERS * which) + start + size * item + byte
        for quarter in range(_QUARTERS)
        for item in range(BLOCK // 2 // size)
        for which in (0, 1)
        for byte in range(size)
    ]
    return shuffled(builder, one, other, places)


@intrinsic
def slide(_typing, pixels, new, old, sums, run, count, constants, totals):  # noqa: PLR0917
    """Move the window sums one row down, and add the SSIM of the windows there to `totals`.

    `pixels` (uint8, flat) holds rows from `turn`, the one that comes at `new` and the one that goes
    at `old`. `sums` (int32, flat) are those down the columns, of each column 3 vectors: of both
    images, 49 sum(a a + b b) and 98 sum(a b); SIDE columns of 0 come before. A lane has `run`
    windows, all together `count`, none where the sums are not whole yet. `constants` are two
    float32, `totals` float64 (LANES,).
    """
    kinds = pixels, new, old, sums, run, count, constants, totals
    return types.void(*kinds), _emit_slide


def _emit_slide(context, builder, signature, arguments):
    new, old, run, count = (arguments[i] for i in (1, 2, 4, 5))
    pixels, sums, out = (
        array_data(context, builder, signature.args[i], arguments[i]) for i in (0, 3, 7)
    )
    constants = [
        Lanes(builder, splat(builder, one, LANES), _JOINED)
        for one in cgutils.unpack_tuple(builder, arguments[6])
    ]
    zeros = ir.Constant(_INTS, [0] * LANES)
    window = [cgutils.alloca_once_value(builder, zeros) for _ in range(3)]
    total = cgutils.alloca_once_value(builder, ir.Constant(_FLOATS, [0.0] * LANES))
    left = _windows_left(builder, run, count)

    def columns(start, stop):
        with cgutils.for_range_slice(builder, start, stop, WORD(1), WORD) as (j, _):
            _move_down(builder, pixels, (new, old), sums, j)
            _move_along(builder, sums, j, window)
            yield j

    def similarity():
        return _quotient(*(Lanes(builder, builder.load(one)) for one in window), *constants)

    def add(value):
        builder.store((Lanes(builder, builder.load(total)) + Lanes(builder, value)).value, total)

    ahead = WORD(SIDE - 1)
    last = builder.sub(count, builder.mul(run, WORD(LANES - 1)))  # windows of the last lane
    whole = builder.add(greater(builder, last, WORD(0)), ahead)
    for _ in columns(WORD(0), ahead):
        pass
    for _ in columns(ahead, whole):
        add(similarity().value)
    for j in columns(whole, builder.add(run, ahead)):
        place = splat(builder, builder.trunc(builder.sub(j, ahead), ir.IntType(32)), LANES)
        inside = builder.icmp_signed("<", place, left)
        add(builder.select(inside, similarity().value, ir.Constant(_FLOATS, [0.0] * LANES)))
    before = Lanes(builder, load(builder, out, WORD(0), _DOUBLES))
    row = Lanes(builder, builder.fpext(builder.load(total), _DOUBLES))
    store(builder, out, WORD(0), (before + row).value)
    return context.get_dummy_value()


def _windows_left(builder, run, count):
    """Of each lane, how many windows lie from its first one on to the end of all."""
    narrow = ir.IntType(32)
    firsts = builder.mul(
        splat(builder, builder.trunc(run, narrow), LANES), ir.Constant(_INTS, [*range(LANES)])
    )
    return builder.sub(splat(builder, builder.trunc(count, narrow), LANES), firsts)


def _move_down(builder, pixels, rows, sums, j):
    """The sums down column `j` of each lane: one pixel comes, one goes.

    Their difference times their sum is the difference of their squares, and crosswise twice that
    of the products of a and b. 49 times a sum is below 2**15.
    """
    column = builder.mul(j, WORD(2 * LANES))
    come, gone = (
        Lanes(
            builder,
            builder.zext(load(builder, pixels, builder.add(row, column), _PIXELS), _SHORTS),
        )
        for row in rows
    )
    change, both = come - gone, (come + gone) * (SIDE * SIDE)
    at = _column(builder, j, 0)
    total = Lanes(builder, load(builder, sums, at, _SHORTS)) + change
    store(builder, sums, at, total.value)
    for i, factor in enumerate((both, _crosswise(both)), start=1):
        at = _column(builder, j, i)
        products = Lanes(builder, pairs_added(builder, change.value, factor.value))
        store(builder, sums, at, (products + Lanes(builder, load(builder, sums, at, _INTS))).value)


def _move_along(builder, sums, j, window):
    """`window`, the sums over SIDE columns up to `j`."""
    gone = builder.sub(j, WORD(SIDE))
    for i, place in enumerate(window):
        kind = _INTS if i else _SHORTS  # the first holds pairs, which must not borrow
        come, left = (load(builder, sums, _column(builder, at, i), kind) for at in (j, gone))
        change = Lanes(builder, come) - Lanes(builder, left)
        moved = Lanes(builder, builder.bitcast(builder.load(place), kind)) + change
        builder.store(builder.bitcast(moved.value, _INTS), place)


def _column(builder, j, i):
    start = builder.mul(builder.add(j, WORD(SIDE)), WORD(3 * LANES))
    return builder.add(start, WORD(i * LANES))


def _quotient(both, squares, products, mean_constant, variance_constant):
    """With all sums 49 or 49**2 times as large, below 2**31 without a loss."""
    shorts = Lanes(both.builder, both.builder.bitcast(both.value, _SHORTS))
    means_squared = _dot(shorts, shorts)
    means_product = _dot(shorts, _crosswise(shorts))  # twice
    above = (_float(means_product) + mean_constant) * (
        _float(products - means_product) + variance_constant
    )
    below = (_float(means_squared) + mean_constant) * (
        _float(squares - means_squared) + variance_constant
    )
    return above / below


def _crosswise(shorts):
    """Each pair the other way round."""
    ints = Lanes(shorts.builder, shorts.builder.bitcast(shorts.value, _INTS))
    turned = ints << 16 | ints.unsigned_shift(16)
    return Lanes(shorts.builder, shorts.builder.bitcast(turned.value, _SHORTS))


def _dot(one, other):
    return Lanes(one.builder, pairs_added(one.builder, one.value, other.value))


def _float(numbers):
    return Lanes(numbers.builder, numbers.builder.sitofp(numbers.value, _FLOATS), _JOINED)
