"""How kernels are compiled, and integer arithmetic that keeps its operands' width.

`int32 * int32` is int64 in numba, which halves the lanes of a SIMD loop (or worse: AVX2 has no
64-bit multiply). These wrap around instead, as C's unsigned integers do; each caller says why its
values fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile at the first call, for this machine; the result is kept on disk."""
    return cast(Function, njit(nogil=True, cache=True, error_model="numpy")(function))


def compiled_float(function: Function) -> Function:
    """`compiled`, where sums may be split over SIMD lanes and multiply-adds joined; no more."""
    relaxed = {"reassoc", "contract"}
    return cast(
        Function, njit(nogil=True, cache=True, error_model="numpy", fastmath=relaxed)(function)
    )


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


def _popcount(_typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    if x != types.uint64:
        raise TypingError(f"popcount: {x} is not uint64")

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


popcount: Any = intrinsic(_popcount)
"""Number of ones in an unsigned 64-bit word; LLVM vectorises it."""
