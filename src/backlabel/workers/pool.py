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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from functools import partial
from itertools import islice
from multiprocessing import forkserver
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from backlabel import ahead
from backlabel.errors import UnreadableImageError
from backlabel.memory import keep_freed
from backlabel.workers.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

_MIB = 1 << 20
CHUNK = 16  # items handed over at once: one by one, a quick item waits longer than it works
_AHEAD = 2  # chunks given out to each worker, so that none waits for the parent

# Not fork: threads of the parent (torch, numba) would leave their locks held for ever. Nor spawn:
# each worker, and each that takes the place of one that crashed, would import everything anew.
CONTEXT = multiprocessing.get_context("forkserver")


def start_ahead(wanted: str) -> None:
    """Let the process that workers are forked from start, and make `wanted` ready, meanwhile.

    `wanted` is a module to import, or `module:function` to call. To be called once, early: what a
    worker needs is then there when the first item is.
    """
    os.environ[ahead.WANTED] = wanted
    CONTEXT.set_forkserver_preload([ahead.__name__])
    forkserver.ensure_running()
    del os.environ[ahead.WANTED]  # it is not meant for other processes that are started from here


def map_files(
    function: Callable[..., Result],
    items: Iterable[Item],
    *,
    workers: int,
    max_seconds: float,
    max_memory_mib: int,
    what: str,
    chunk: int = CHUNK,
    prepare: Callable[[], object] | None = None,
    look_at: Callable[[Sequence[Item]], Sequence[object]] | None = None,
) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
    """`function` of each item, in the order of the items, with a progress bar named `what`.

    An UnreadableImageError that `function` raises comes back as the item's result, and so do a
    worker that hangs ("too slow"), dies ("crashed the decoder") or needs more than
    `max_memory_mib` above what it had at its start ("too much memory"). Any other error is a bug
    and is raised here. A bounded number of items is under way, whatever the number of items.
    `prepare`, a function of a module, runs in the process that workers are forked from if that is
    not there yet, and once in each worker, outside of every limit. Its errors are raised here.

    `look_at` is called with several items before `function` is called with the first of them; what
    it gives for each is the second argument of `function`, None where memory was too short for it.

    Items travel in chunks of `chunk`: 1 where each takes seconds. Where a worker is lost over a
    chunk, each of its items is tried again by itself, so `function` may see an item twice: it must
    not mind.
    """
    if prepare is not None:
        start_ahead(f"{prepare.__module__}:{prepare.__qualname__}")
    run = partial(_run, function, look_at, max_memory_mib)
    pool = ProcessPool(
        max_workers=workers,
        context=CONTEXT,
        initializer=_start,
        initargs=(function, prepare, max_memory_mib * _MIB),
    )
    schedule = partial(_schedule, pool, run, max_seconds)
    try:
        for together, future in _given_out(schedule, track(items, what), chunk, _AHEAD * workers):
            yield from zip(together, _results(schedule, together, future, max_seconds), strict=True)
        pool.close()  # type: ignore[no-untyped-call]
    finally:
        if pool.active:  # not closed: an error, or the caller has gone away
            pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


Schedule = Callable[[list[Item]], "ProcessFuture[list[Any]]"]


def _schedule(
    pool: ProcessPool,
    run: Callable[[list[Item]], list[Result | UnreadableImageError]],
    max_seconds: float,
    chunk: list[Item],
) -> ProcessFuture[list[Result | UnreadableImageError]]:
    return pool.schedule(run, args=[chunk], timeout=max_seconds)


def _given_out(
    schedule: Schedule[Item], items: Iterable[Item], size: int, ahead: int
) -> Iterator[tuple[list[Item], ProcessFuture[list[Any]]]]:
    under_way: deque[tuple[list[Item], ProcessFuture[list[Any]]]] = deque()
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        if len(under_way) >= ahead:
            yield under_way.popleft()
        under_way.append((chunk, schedule(chunk)))
    yield from under_way


def _results(
    schedule: Schedule[Item],
    chunk: list[Item],
    future: ProcessFuture[list[Any]],
    max_seconds: float,
) -> Iterator[Any]:
    """The results of `chunk`, or of its items one by one where it cost its worker's life."""
    try:
        yield from future.result()
    except (TookTooLong, ProcessExpired) as error:
        if len(chunk) == 1:
            yield _lost(error, max_seconds)
            return
        for item in chunk:
            yield from _results(schedule, [item], schedule([item]), max_seconds)


def _lost(error: TookTooLong | ProcessExpired, max_seconds: float) -> UnreadableImageError:
    if isinstance(error, ProcessExpired):
        return UnreadableImageError(
            "crashed the decoder", f"its worker process ended with exit code {error.exitcode}"
        )
    return UnreadableImageError("too slow", f"it took more than {max_seconds:g} seconds")


_prepared: list[Future[object]] = []
"""How preparing this worker ended: an error must not end a worker, which would be started again."""


def _start(
    function: Callable[..., Any], prepare: Callable[[], object] | None, max_bytes: int
) -> None:
    """In a new worker, before its first item and outside of its time limit.

    `function` is only here to be unpickled, which imports all that it needs, so that neither its
    time nor its memory counts against an item.
    """
    keep_freed()
    if prepare is not None:
        with ThreadPoolExecutor(1) as executor:
            _prepared.append(executor.submit(prepare))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _data_bytes() + max_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _run(
    function: Callable[..., Result],
    look_at: Callable[[Sequence[Item]], Sequence[object]] | None,
    max_memory_mib: int,
    chunk: list[Item],
) -> list[Result | UnreadableImageError]:
    for prepared in _prepared:
        prepared.result()
    if look_at is None:
        return [_one(function, max_memory_mib, item) for item in chunk]
    try:
        seen = look_at(chunk)
    except MemoryError:
        seen = [None] * len(chunk)
    return [_one(function, max_memory_mib, *both) for both in zip(chunk, seen, strict=True)]


def _one(
    function: Callable[..., Result], max_memory_mib: int, *item: object
) -> Result | UnreadableImageError:
    try:
        return function(*item)
    except UnreadableImageError as error:
        return error
    except MemoryError:
        return UnreadableImageError("too much memory", f"it needs more than {max_memory_mib} MiB")


def _data_bytes() -> int:
    """Private writable memory of this process: what RLIMIT_DATA counts."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024
