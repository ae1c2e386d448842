"""Integer arithmetic in numba that keeps its operands' width.

`int32 * int32` is int64 in numba, which halves the lanes of a SIMD loop (or worse: AVX2 has no
64-bit multiply). These wrap around instead, as C's unsigned integers do; each caller says why its
values fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic


def _binary(instruction: str) -> Any:
    @intrinsic
    def operation(_typing: Any, x: Any, y: Any) -> tuple[Any, Callable[..., Any]]:
        if x != y or not isinstance(x, types.Integer):
            raise TypingError(f"{instruction}: {x} and {y}; both must be one integer type")

        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(*args)

        return x(x, x), generate

    return operation


add = _binary("add")
sub = _binary("sub")
mul = _binary("mul")


@intrinsic
def popcount(_typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    """Number of ones in an unsigned 64-bit word, one SIMD lane per word where LLVM can."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate
