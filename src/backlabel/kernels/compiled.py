"""How kernels are compiled: for the machine they run on, when they are first called."""

from __future__ import annotations

import functools
import hashlib
import importlib
import pkgutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import numba
from numba.core import types

from backlabel import kernels
from backlabel.errors import OutputError
from backlabel.kernels import kept
from backlabel.storage import files

P = ParamSpec("P")
R = TypeVar("R")

COMPILING = "backlabel: compiling kernels for this processor, once: about 6 seconds.\n"
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",  # no check for a division by zero
    "fastmath": {"reassoc", "contract"},  # sums in any order, multiply-adds joined; no more
}
_LONGEST_S = 600  # for another process that compiles


def reads(item: Any, axes: int) -> Any:
    """The type of a C-contiguous array that a kernel reads: it may be read-only."""
    return types.Array(item, axes, "C", readonly=True)


def writes(item: Any, axes: int) -> Any:
    """The type of a C-contiguous array that a kernel changes."""
    return types.Array(item, axes, "C")


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """A function that kernels call; it is compiled as a part of them."""
    made: Callable[P, R] = numba.njit(**_OPTIONS)(function)
    return made


def kernel(*arguments: Any, result: Any = types.void) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """A function that is compiled when it is first called, for arguments of these types alone."""

    def decorated(function: Callable[P, R]) -> Kernel[P, R]:
        made = Kernel(function, result(*arguments))
        _all.append(made)
        return made

    return decorated


class Kernel(Generic[P, R]):
    """A compiled function. `plain` is the function as it stands in the source, for tests."""

    def __init__(self, function: Callable[P, R], signature: Any) -> None:
        functools.update_wrapper(self, function)
        self.plain = function
        self._signature = signature
        self._dispatcher = numba.njit(**_OPTIONS)(function)
        self._ready = False

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        if not self._ready:
            self.prepare()
        found: R = self._dispatcher(*arguments, **named)
        return found

    def prepare(self) -> None:
        """Load the kernel. Where it was not kept, compile all kernels, and keep them."""
        with _preparing:
            try:
                folder = kept.folder()
            except kept.UnusableFolderError as error:
                kept.warn(str(error))
                self.compile(None)
                return
            if not self.path(folder).exists():
                _compile_missing(folder)
            self.compile(folder)

    def path(self, folder: Path) -> Path:
        """The kernel's file: by its name, its signature and the processor."""
        processor = self._dispatcher.targetctx.codegen().magic_tuple()
        digest = hashlib.sha256(repr((str(self._signature), processor)).encode()).hexdigest()
        module = self.plain.__module__.rpartition(".")[2]
        return folder / f"{module}.{self.plain.__name__}-{digest[:16]}"

    def compile(self, folder: Path | None) -> None:
        """Compile for the one signature, or load from `folder`, and take no other from then on."""
        if self._ready:
            return
        if folder is not None:
            # As numba's own `cache=True` does, which would choose the file by itself.
            self._dispatcher._cache = kept.Kept(self.path(folder))
        self._dispatcher.compile(self._signature)
        self._dispatcher.disable_compile()
        self._ready = True


_all: list[Kernel[..., Any]] = []
_preparing = threading.RLock()


def compile_all() -> None:
    """Make all kernels ready: a moment where they were kept, else about 6 seconds."""
    for one in _every():
        one.prepare()


def _every() -> list[Kernel[..., Any]]:
    for module in pkgutil.iter_modules(kernels.__path__):
        importlib.import_module(f"{kernels.__name__}.{module.name}")
    return _all


def _compile_missing(folder: Path) -> None:
    """Compile all kernels that `folder` lacks, while other processes wait for it."""
    try:
        with files.lock(folder / "lock", timeout_s=_LONGEST_S):
            missing = [one for one in _every() if not one.path(folder).exists()]
            if missing:
                sys.stderr.write(COMPILING)
            for one in missing:
                one.compile(folder)
    except OutputError as error:
        kept.warn(str(error))
