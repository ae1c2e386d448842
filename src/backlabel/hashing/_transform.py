# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""`dct` of eight rows at once: each number of it is a vector of LLVM, a row of the image a lane."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from backlabel.hashing.dct import dct
from backlabel.hashing.weights import HASH_SIDE, SIDE
from backlabel.kernels.lanes import WORD, Lanes, array_data, load, rows_data, store

LANES = 8
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)


def _transforming(keep):
    """An intrinsic that transforms LANES columns and stores the lowest `keep` rows."""

    @intrinsic
    def transform(_typing, source, out, first):
        """DCT down the columns `first` to `first + LANES - 1` of `source` (SIDE, n) into `out`.

        `source` is uint8 or float64, `out` float64 of the same n, both C-contiguous.
        """

        def emit(context, builder, signature, arguments):
            data, width = rows_data(context, builder, signature.args[0], arguments[0])
            target = array_data(context, builder, signature.args[1], arguments[1])
            rows = [builder.add(arguments[2], builder.mul(width, WORD(i))) for i in range(SIDE)]
            values = dct([_loaded(builder, data, row) for row in rows])
            for row, value in zip(rows[:keep], values, strict=False):
                store(builder, target, row, value.value)
            return context.get_dummy_value()

        return types.void(source, out, first), emit

    return transform


def _loaded(builder, data, index):
    if data.type.pointee == ir.IntType(8):
        return Lanes(builder, builder.uitofp(load(builder, data, index, _BYTES), _DOUBLES))
    return Lanes(builder, load(builder, data, index, _DOUBLES))


_low = _transforming(HASH_SIDE)
_whole = _transforming(SIDE)


@numba.njit(nogil=True, cache=True)
def low_rows(both):
    """(SIDE, n, SIDE) of uint8, n images row by row -> (n, 32, SIDE), as SciPy has them."""
    images = both.shape[1]
    flat = both.reshape(SIDE, images * SIDE)
    down = np.empty((HASH_SIDE, images * SIDE))
    for first in range(0, images * SIDE, LANES):
        _low(flat, down, np.int64(first))
    turned = np.empty((SIDE, images * HASH_SIDE))
    for image in range(images):
        for row in range(HASH_SIDE):
            for column in range(SIDE):
                turned[column, image * HASH_SIDE + row] = down[row, image * SIDE + column]
    across = np.empty((SIDE, images * HASH_SIDE))
    for first in range(0, images * HASH_SIDE, LANES):
        _whole(turned, across, np.int64(first))
    out = np.empty((images, HASH_SIDE, SIDE))
    for image in range(images):
        for row in range(HASH_SIDE):
            for column in range(SIDE):
                out[image, row, column] = across[column, image * HASH_SIDE + row]
    return out
