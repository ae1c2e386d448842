# mypy: ignore-errors
# (numba calls the functions that emit code with its own objects, whose types mypy cannot see)
"""Bytes through a table of 256, in LLVM's vectors; AVX-512 keeps the whole table in registers."""

from __future__ import annotations

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backlabel.kernels.lanes import WORD, Lanes, array_data, load, store

BLOCK = 64
"""Bytes that are looked up at once."""

_HAS_PERMUTE = bool(llvm.get_host_cpu_features().get("avx512bw"))
_PERMUTE = "llvm.x86.avx512.vpermi2var.hi.512"
_SHORTS = ir.VectorType(ir.IntType(16), BLOCK // 2)


@intrinsic
def translate(_typing, table, source, at, target, to):
    """`target[to + i] = table[source[at + i]]` for i < BLOCK, all flat arrays of uint8."""
    return types.void(table, source, at, target, to), _emit_translate


def _emit_translate(context, builder, signature, arguments):
    table, source, target = (
        array_data(context, builder, signature.args[i], arguments[i]) for i in (0, 1, 3)
    )
    at, to = arguments[2], arguments[4]
    if _HAS_PERMUTE:
        pixels = Lanes(builder, load(builder, source, at, _SHORTS))
        even = _looked_up(builder, table, pixels & 255)
        odd = _looked_up(builder, table, pixels.unsigned_shift(8))
        store(builder, target, to, (even | odd << 8).value)
        return context.get_dummy_value()
    with cgutils.for_range(builder, WORD(BLOCK), intp=WORD) as loop:
        level = builder.load(builder.gep(source, [builder.add(at, loop.index)]))
        found = builder.load(builder.gep(table, [builder.zext(level, WORD)]))
        builder.store(found, builder.gep(target, [builder.add(to, loop.index)]))
    return context.get_dummy_value()


def _looked_up(builder, table, levels):
    """Bytes of the table, of which a short holds two: four registers of 32 shorts hold it all."""
    kind = ir.FunctionType(_SHORTS, [_SHORTS] * 3)
    permute = cgutils.get_or_insert_function(builder.module, kind, _PERMUTE)
    parts = [load(builder, table, WORD(64 * i), _SHORTS) for i in range(4)]
    short = levels.unsigned_shift(1).value
    dark, bright = (builder.call(permute, [one, short, two]) for one, two in (parts[:2], parts[2:]))
    is_bright = builder.icmp_unsigned(
        ">", levels.value, ir.Constant(_SHORTS, [127] * _SHORTS.count)
    )
    both = Lanes(builder, builder.select(is_bright, bright, dark))
    return both.unsigned_shift((levels & 1) << 3) & 255
