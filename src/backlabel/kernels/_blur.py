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

from backlabel.kernels.lanes import WORD, Lanes, array_data, load, shuffled, splat, store

LANES = 16
ROWS = 8
"""Rows that are blurred at once, so that each pixel becomes a float for all of them."""

_BYTES = ir.VectorType(ir.IntType(8), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_JOINED = ("contract",)  # products and sums may be joined


@intrinsic
def blur_down(_typing, image, i, weights, first, stop, out, at, apart):  # noqa: PLR0917
    """`out[at + apart * r + j]`: the sum of column j of `image` around row `i + r`, r < ROWS.

    For j from `first` to before `stop`, and mirrored beyond these for what radius the weights have,
    in whole vectors, which lie between them too. The image's edges are repeated; it is uint8, (h,
    w), `out` float32, flat.
    """
    return types.void(image, i, weights, first, stop, out, at, apart), _emit_down


def _emit_down(context, builder, signature, arguments):
    image = context.make_array(signature.args[0])(context, builder, arguments[0])
    height, width = cgutils.unpack_tuple(builder, image.shape)
    weights = _splats(builder, arguments[2])
    radius = len(weights) - 1
    out = array_data(context, builder, signature.args[5], arguments[5])
    top, apart = builder.add(arguments[1], WORD(-radius)), arguments[7]
    starts = [
        builder.mul(_mirrored(builder, builder.add(top, WORD(k)), height), width)
        for k in range(ROWS + 2 * radius)
    ]
    for j in _columns(builder, arguments[3], arguments[4]):
        totals = {}
        for k, start in enumerate(starts):
            pixels = _pixels(builder, builder.gep(image.data, [start]), j)
            for r in range(max(0, k - 2 * radius), min(ROWS, k + 1)):
                share = pixels * weights[abs(k - r - radius)]
                totals[r] = totals[r] + share if r in totals else share
        for r, total in totals.items():
            place = builder.add(builder.add(arguments[6], j), builder.mul(apart, WORD(r)))
            store(builder, out, place, total.value)
    for r in range(ROWS):
        row = builder.add(arguments[6], builder.mul(apart, WORD(r)))
        first, stop = (builder.add(row, arguments[k]) for k in (3, 4))
        for at in range(0, radius, LANES):
            _mirror(
                builder, out, builder.add(first, WORD(at)), builder.sub(first, WORD(at + LANES))
            )
            _mirror(builder, out, builder.sub(stop, WORD(at + LANES)), builder.add(stop, WORD(at)))
    return context.get_dummy_value()


def _mirror(builder, row, source, target):
    """A vector of `row` the other way round."""
    vector = load(builder, row, source, _FLOATS)
    store(builder, row, target, shuffled(builder, vector, vector, reversed(range(LANES))))


@intrinsic
def add_moments(_typing, images, i, first, count, blurred, apart, at, weights, sums):  # noqa: PLR0917
    """Add a, b, a * a, b * b and a * b of ROWS rows from `i` on to `sums` (5, LANES).

    Of `count` columns from `first` on, a multiple of LANES. a and b are the pixels of `images` less
    their blur, the weighted sum along `blurred`: float32, two flat ones, whose rows lie `apart`,
    from `at` on.
    """
    kinds = images, i, first, count, blurred, apart, at, weights, sums
    return types.void(*kinds), _emit_moments


def _emit_moments(context, builder, signature, arguments):
    i, first, count, apart, at = (arguments[k] for k in (1, 2, 3, 5, 6))
    weights = _splats(builder, arguments[7])
    images, blurred = (_items(context, builder, signature, arguments, k) for k in (0, 4))
    sums = array_data(context, builder, signature.args[8], arguments[8])
    places = [WORD(k * LANES) for k in range(5)]
    totals = [cgutils.alloca_once_value(builder, load(builder, sums, at, _FLOATS)) for at in places]
    with cgutils.for_range(builder, WORD(ROWS), intp=WORD) as loop:
        blur_at = builder.add(builder.mul(apart, loop.index), at)
        rows = []
        for image, blur in zip(images, blurred, strict=True):
            width = builder.extract_value(image.shape, 1)
            pixels_at = builder.add(builder.mul(builder.add(i, loop.index), width), first)
            rows.append((builder.gep(image.data, [pixels_at]), builder.gep(blur.data, [blur_at])))
        with cgutils.for_range_slice(builder, WORD(0), count, WORD(LANES), WORD) as (j, _):
            a, b = (_residual(builder, *row, j, weights) for row in rows)
            for total, term in zip(totals, (a, b, a * a, b * b, a * b), strict=True):
                builder.store((Lanes(builder, builder.load(total), _JOINED) + term).value, total)
    for place, total in zip(places, totals, strict=True):
        store(builder, sums, place, builder.load(total))
    return context.get_dummy_value()


def _items(context, builder, signature, arguments, k):
    """The arrays of a tuple."""
    values = cgutils.unpack_tuple(builder, arguments[k])
    return [
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(signature.args[k], values, strict=True)
    ]


def _residual(builder, pixels, blurred, j, weights):
    def neighbours(distance):
        at = builder.add(j, WORD(distance))
        return Lanes(builder, load(builder, blurred, at, _FLOATS), _JOINED)

    blur = neighbours(0) * weights[0]
    for tap, weight in enumerate(weights[1:], start=1):
        blur = blur + (neighbours(-tap) + neighbours(tap)) * weight
    return _pixels(builder, pixels, j) - blur


def _columns(builder, first, stop):
    """The start of each vector of a row; the last one may overlap the one before it."""
    last = builder.sub(stop, WORD(LANES))
    with cgutils.for_range_slice(builder, first, stop, WORD(LANES), WORD) as (j, _):
        yield builder.select(builder.icmp_signed("<", j, last), j, last)


def _mirrored(builder, number, size):
    """The row that stands for `number` outside of 0..size - 1."""
    below = builder.sub(WORD(-1), number)
    above = builder.sub(builder.sub(builder.shl(size, WORD(1)), WORD(1)), number)
    inside = builder.select(builder.icmp_signed("<", number, size), number, above)
    return builder.select(builder.icmp_signed("<", number, WORD(0)), below, inside)


def _pixels(builder, row, j):
    pixels = load(builder, row, j, _BYTES)
    return Lanes(builder, builder.uitofp(pixels, _FLOATS), _JOINED)


def _splats(builder, weights):
    return [
        Lanes(builder, splat(builder, weight, LANES), _JOINED)
        for weight in cgutils.unpack_tuple(builder, weights)
    ]
