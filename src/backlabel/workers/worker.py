"""What runs in a worker process: items in, results out, one at a time."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import TracebackType
from typing import Any

from backlabel.errors import UnreadableImageError

_MIB = 1 << 20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT_MIB, _LARGE_MIB = 128, 32  # free memory that is kept; arrays that are given back at once


@dataclass(frozen=True)
class Ready:
    """The worker is prepared: from now on its limits hold."""


@dataclass(frozen=True)
class Done:
    """The answer to the oldest item."""

    result: Any


@dataclass(frozen=True)
class Raised:
    """A bug, or an error of preparing: the parent raises it."""

    error: Exception


class _Reported:
    """Sends an error that leaves the block to the parent, which raises it; the worker ends."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            error.add_note("".join(traceback.format_tb(trace)))
            self._connection.send(Raised(error))
            raise SystemExit


def serve(
    connection: Connection[Any, Any], prepare: Callable[[], object] | None, max_memory_mib: int
) -> None:
    """Answer each item of each (function, items) from `connection` until its other end is closed.

    A worker may take `max_memory_mib` more than it has when it begins with its first item.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    keep_freed_memory()
    with suppress(EOFError, ConnectionError):  # the parent has closed its end, or was killed
        with _Reported(connection):
            if prepare is not None:
                prepare()
        connection.send(Ready())
        _answer(connection, max_memory_mib)


def keep_freed_memory() -> None:
    """Let this process keep the memory of arrays that it frees, for the next image's.

    Otherwise the system takes it back and gives it again, page by page, which takes as long as
    hashing does and half as long as scoring. Where the C library is not glibc, nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_MIB * _MIB)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_MIB * _MIB)


def _answer(connection: Connection[Any, Any], max_memory_mib: int) -> None:
    is_limited = False
    while True:
        message = connection.recv_bytes()
        with _Reported(connection):
            function, items = ForkingPickler.loads(message)  # imports what the function needs
            if not is_limited:
                _limit_memory(max_memory_mib)
                is_limited = True
        for item in items:
            with _Reported(connection):
                result = _result(function, max_memory_mib, item)
            connection.send(Done(result))


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _result(function: Callable[[Any], Any], max_memory_mib: int, item: Any) -> Any:
    try:
        return function(item)
    except UnreadableImageError as error:
        return error
    except MemoryError:
        return UnreadableImageError("too much memory", f"it needs more than {max_memory_mib} MiB")


def _limit_memory(mib: int) -> None:
    """Let this process have `mib` MiB more of private writable memory than it has now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmData:"))
    limit = int(line.split()[1]) * 1024 + mib * _MIB
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
