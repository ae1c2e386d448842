"""Worker processes with a limit of seconds and memory for each item.

A hostile file may make a decoder hang, crash or eat all memory. Each worker is a process of its
own: it is ended, its item becomes an UnreadableImageError, and a new worker takes the next item.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as TookTooLong
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from backlabel.errors import UnreadableImageError
from backlabel.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

_MIB = 1 << 20
_AHEAD = 4  # items given out to each worker, so that none waits for the parent


def map_files(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    max_seconds: float,
    max_memory_mib: int,
    what: str,
) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
    """`function` of each item, in the order of the items, with a progress bar named `what`.

    An UnreadableImageError that `function` raises comes back as the item's result, and so do a
    worker that hangs ("too slow"), dies ("crashed the decoder") or needs more than
    `max_memory_mib` above what it had at its start ("too much memory"). Any other error is a bug
    and is raised here. A bounded number of items is under way, whatever the number of items.
    """
    run = partial(_run, function, max_memory_mib)
    pool = ProcessPool(
        max_workers=workers,
        # Not fork: threads of the parent (torch, numba) would leave their locks held for ever.
        context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(function, max_memory_mib * _MIB),
    )
    try:
        for item, future in _given_out(pool, run, track(items, what), workers, max_seconds):
            yield item, _result(future, max_seconds)
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _given_out(
    pool: ProcessPool,
    run: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    max_seconds: float,
) -> Iterator[tuple[Item, ProcessFuture[Result]]]:
    under_way: deque[tuple[Item, ProcessFuture[Result]]] = deque()
    for item in items:
        if len(under_way) >= _AHEAD * workers:
            yield under_way.popleft()
        under_way.append((item, pool.schedule(run, args=[item], timeout=max_seconds)))
    yield from under_way


def _result(future: ProcessFuture[Any], max_seconds: float) -> Any:
    try:
        return future.result()
    except UnreadableImageError as error:
        return error
    except TookTooLong:
        return UnreadableImageError("too slow", f"it took more than {max_seconds:g} seconds")
    except ProcessExpired as error:
        return UnreadableImageError(
            "crashed the decoder", f"its worker process ended with exit code {error.exitcode}"
        )


def _start(function: Callable[..., Any], max_bytes: int) -> None:
    """In a new worker, before its first item and outside of its time limit.

    `function` is only here to be unpickled, which imports all that it needs, so that neither its
    time nor its memory counts against an item.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _data_bytes() + max_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _run(function: Callable[[Item], Result], max_memory_mib: int, item: Item) -> Result:
    try:
        return function(item)
    except MemoryError as error:
        raise UnreadableImageError(
            "too much memory", f"it needs more than {max_memory_mib} MiB"
        ) from error


def _data_bytes() -> int:
    """Private writable memory of this process: what RLIMIT_DATA counts."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024
