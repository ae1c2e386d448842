# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""A vector of LLVM with operators, so that code for it reads like its formulas."""

from __future__ import annotations

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

WORD = ir.IntType(64)

_CAN = llvm.get_host_cpu_features()
LANES = 16 if _CAN.get("avx512bw") else 8
"""Numbers of 32 bits in a register of this processor."""

_MULTIPLY_ADD = {
    products: name
    for products, feature, name in (
        (32, "avx512bw", "llvm.x86.avx512.pmaddw.d.512"),
        (16, "avx2", "llvm.x86.avx2.pmadd.wd"),
    )
    if _CAN.get(feature)
}


class Lanes:
    """Numbers side by side in one register, integers or floats, that meet numbers like them.

    A plain number on the right side stands for as many of it. `flags` are LLVM's for floats:
    without "contract", a product and a sum are rounded one after the other.
    """

    def __init__(self, builder, value, flags=()):
        self.builder, self.value, self.flags = builder, value, flags

    def _with(self, name, other):
        kind = self.value.type
        value = other.value if isinstance(other, Lanes) else ir.Constant(kind, [other] * kind.count)
        if isinstance(kind.element, (ir.DoubleType, ir.FloatType)):
            found = getattr(self.builder, "f" + name)(self.value, value, flags=self.flags)
        else:
            found = getattr(self.builder, name)(self.value, value)
        return Lanes(self.builder, found, self.flags)

    def __add__(self, other):
        return self._with("add", other)

    def __sub__(self, other):
        return self._with("sub", other)

    def __mul__(self, other):
        return self._with("mul", other)

    def __truediv__(self, other):
        return self._with("div", other)

    def __lshift__(self, bits):
        return self._with("shl", bits)

    def __rshift__(self, bits):
        return self._with("ashr", bits)

    def unsigned_shift(self, bits):
        """To the right, zeros coming in."""
        return self._with("lshr", bits)

    def __and__(self, other):
        return self._with("and_", other)

    def __or__(self, other):
        return self._with("or_", other)

    def __xor__(self, other):
        return self._with("xor", other)


def array_data(context, builder, kind, value):
    """Pointer to the first element of an array of numba."""
    return context.make_array(kind)(context, builder, value).data


def rows_data(context, builder, kind, value):
    """The same of an array (h, w), and w."""
    array = context.make_array(kind)(context, builder, value)
    return array.data, builder.extract_value(array.shape, 1)


def load(builder, pointer, index, kind):
    """A vector of `kind` from the elements at `index` on, aligned or not."""
    return builder.load(_place(builder, pointer, index, kind), align=1)


def store(builder, pointer, index, vector):
    """`vector` to the elements from `index` on."""
    builder.store(vector, _place(builder, pointer, index, vector.type), align=1)


def _place(builder, pointer, index, kind):
    return builder.bitcast(builder.gep(pointer, [index]), kind.as_pointer())


def splat(builder, value, count):
    """`count` of one number."""
    kind = ir.VectorType(value.type, count)
    vector = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return shuffled(builder, vector, vector, [0] * count)


def shuffled(builder, one, other, places):
    """The numbers at `places` of both, those of `other` counted after those of `one`."""
    places = list(places)
    kind = ir.VectorType(ir.IntType(32), len(places))
    return builder.shuffle_vector(one, other, ir.Constant(kind, places))


def transposed(builder, vectors):
    """n vectors of n, rows to columns: halves are exchanged, then quarters, and so on."""
    count = len(vectors)
    size = count // 2
    while size:
        low = [i + (count - size if i & size else 0) for i in range(count)]
        high = [i + size for i in low]
        for i in range(count):
            if not i & size:
                one, other = vectors[i], vectors[i | size]
                vectors[i] = shuffled(builder, one, other, low)
                vectors[i | size] = shuffled(builder, one, other, high)
        size //= 2
    return vectors


def greater(builder, one, other):
    """The greater number of both, or of each pair of two vectors, signed."""
    return builder.select(builder.icmp_signed(">", one, other), one, other)


def pairs_added(builder, one, other):
    """Sums of the products of int16 pairs: each even one and its odd neighbour added."""
    shorts = one.type
    ints = ir.VectorType(ir.IntType(32), shorts.count // 2)
    if shorts.count in _MULTIPLY_ADD:
        kind = ir.FunctionType(ints, [shorts, shorts])
        name = _MULTIPLY_ADD[shorts.count]
        multiply = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(multiply, [one, other])

    def every_other(vector, first):
        return builder.sext(shuffled(builder, vector, vector, range(first, shorts.count, 2)), ints)

    even, odd = (
        builder.mul(every_other(one, first), every_other(other, first)) for first in (0, 1)
    )
    return builder.add(even, odd)
