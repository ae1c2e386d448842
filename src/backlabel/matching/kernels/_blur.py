# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""The inner loops of the residual's correlation, in LLVM's vectors of sixteen pixels.

Weights are half of a symmetric kernel, from its centre outwards, as a tuple: its length is known
when the code is made.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.lanes import WORD, Lanes, array_data, load, rows_data, splat, store

LANES = 16
_BYTES = ir.VectorType(ir.IntType(8), LANES)
_SHORTS = ir.VectorType(ir.IntType(16), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_JOINED = ("contract",)  # products and sums may be joined


@intrinsic
def blur_down(_typing, image, i, weights, out, at):
    """`out[at + j]`: the sum of column j of `image` around row `i`; its edges are repeated.

    `image` is uint8, (h, w) with w >= LANES, `out` float32, flat.
    """
    return types.void(image, i, weights, out, at), _emit_down


def _emit_down(context, builder, signature, arguments):
    image = context.make_array(signature.args[0])(context, builder, arguments[0])
    height, width = cgutils.unpack_tuple(builder, image.shape)
    weights = _splats(builder, arguments[2])
    out = array_data(context, builder, signature.args[3], arguments[3])

    def row(number):
        return builder.gep(image.data, [builder.mul(_mirrored(builder, number, height), width)])

    centre = row(arguments[1])
    pairs = [
        (row(builder.sub(arguments[1], WORD(tap))), row(builder.add(arguments[1], WORD(tap))))
        for tap in range(1, len(weights))
    ]
    for j in _columns(builder, width):
        total = _pixels(builder, centre, j, _FLOATS) * weights[0]
        for (up, down), weight in zip(pairs, weights[1:], strict=True):
            both = _pixels(builder, up, j, _SHORTS) + _pixels(builder, down, j, _SHORTS)
            floats = builder.uitofp(both.value, _FLOATS)
            total = total + Lanes(builder, floats, _JOINED) * weight
        store(builder, out, builder.add(arguments[4], j), total.value)
    return context.get_dummy_value()


@intrinsic
def add_moments(_typing, image_a, image_b, i, blurred_a, blurred_b, weights, first, count, sums):  # noqa: PLR0917
    """Add a, b, a * a, b * b and a * b of `count` columns from `first` on to `sums` (5, LANES).

    a and b are row `i` of the images less their blur, which is the weighted sum along `blurred`
    (float32, flat; column j at j + len(weights) - 1). `count` is a multiple of LANES.
    """
    kinds = image_a, image_b, i, blurred_a, blurred_b, weights, first, count, sums
    return types.void(*kinds), _emit_moments


def _emit_moments(context, builder, signature, arguments):
    rows, i, first, count = [], arguments[2], arguments[6], arguments[7]
    weights = _splats(builder, arguments[5])
    for k in (0, 1):
        image, width = rows_data(context, builder, signature.args[k], arguments[k])
        pixels = builder.gep(image, [builder.mul(i, width)])
        rows.append((pixels, array_data(context, builder, signature.args[3 + k], arguments[3 + k])))
    sums = array_data(context, builder, signature.args[8], arguments[8])
    places = [WORD(k * LANES) for k in range(5)]
    totals = [cgutils.alloca_once_value(builder, load(builder, sums, at, _FLOATS)) for at in places]
    with cgutils.for_range_slice(builder, first, builder.add(first, count), WORD(LANES), WORD) as (
        j,
        _,
    ):
        a, b = (_residual(builder, *row, j, weights) for row in rows)
        for total, term in zip(totals, (a, b, a * a, b * b, a * b), strict=True):
            builder.store((Lanes(builder, builder.load(total), _JOINED) + term).value, total)
    for at, total in zip(places, totals, strict=True):
        store(builder, sums, at, builder.load(total))
    return context.get_dummy_value()


def _residual(builder, pixels, blurred, j, weights):
    radius = len(weights) - 1

    def neighbours(distance):
        at = builder.add(j, WORD(radius + distance))
        return Lanes(builder, load(builder, blurred, at, _FLOATS), _JOINED)

    blur = neighbours(0) * weights[0]
    for tap, weight in enumerate(weights[1:], start=1):
        blur = blur + (neighbours(-tap) + neighbours(tap)) * weight
    return _pixels(builder, pixels, j, _FLOATS) - blur


def _columns(builder, width):
    """The start of each vector of a row; the last one may overlap the one before it."""
    last = builder.sub(width, WORD(LANES))
    with cgutils.for_range_slice(builder, WORD(0), width, WORD(LANES), WORD) as (j, _):
        yield builder.select(builder.icmp_signed("<", j, last), j, last)


def _mirrored(builder, number, size):
    """The row that stands for `number` outside of 0..size - 1."""
    below = builder.sub(WORD(-1), number)
    above = builder.sub(builder.sub(builder.shl(size, WORD(1)), WORD(1)), number)
    inside = builder.select(builder.icmp_signed("<", number, size), number, above)
    return builder.select(builder.icmp_signed("<", number, WORD(0)), below, inside)


def _pixels(builder, row, j, kind):
    pixels = load(builder, row, j, _BYTES)
    if kind is _FLOATS:
        return Lanes(builder, builder.uitofp(pixels, _FLOATS), _JOINED)
    return Lanes(builder, builder.zext(pixels, kind))


def _splats(builder, weights):
    return [
        Lanes(builder, splat(builder, weight, LANES), _JOINED)
        for weight in cgutils.unpack_tuple(builder, weights)
    ]
