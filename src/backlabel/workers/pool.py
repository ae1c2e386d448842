"""Worker processes with a limit of seconds and memory for each item.

A hostile file may make a decoder hang, crash or eat all memory, and the system may kill a process
at any time. Each worker is a process with a pipe of its own, so that whatever ends it, the others
go on: with one pipe for all, a worker that is killed while it holds the pipe's lock stops them all.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self, TypeVar

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.workers import worker
from backlabel.workers.forking import start
from backlabel.workers.progress import bar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 16  # items handed over at once: one by one, a quick item waits longer than it works
_CHUNKS_UNDER_WAY = 3  # a worker, given out and not yet taken by the caller
_ATTEMPTS = 3  # at an item whose worker died: the system may have killed it by chance
_STILLBORN = 10  # workers in a row that died before they were ready


def cores() -> int:
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass
class _Task:
    """One item on its way to a worker and back."""

    item: Any
    attempts: int = 0
    is_done: bool = False
    result: Any = None

    def finish(self, result: Any) -> None:
        self.result, self.is_done = result, True


@dataclass
class _Worker:
    """A worker process, and the tasks that it was given and has not answered, oldest first."""

    process: BaseProcess
    connection: Connection[Any, Any]
    tasks: deque[_Task] = field(default_factory=deque)
    is_ready: bool = False
    deadline: float | None = None


class Workers:
    """Up to `count` worker processes, each limited to `max_seconds` and `max_memory_mib` an item.

    `prepare` runs once in each worker, outside of every limit; its errors are raised here.
    """

    def __init__(
        self,
        count: int,
        *,
        max_seconds: float,
        max_memory_mib: int,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self._count = count
        self._max_seconds = max_seconds
        self._arguments = (prepare, max_memory_mib)
        self._crew: dict[Connection[Any, Any], _Worker] = {}
        self._again: deque[_Task] = deque()
        self._stillborn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        what: str,
        chunk: int | None = None,
    ) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
        """`function` of each item, in the order of the items, with a progress bar named `what`.

        An UnreadableImageError that `function` raises comes back as the item's result, and so do
        hanging ("too slow"), needing too much memory ("too much memory") and three deaths of a
        worker over the item ("crashed the decoder"). Any other error is a bug and is raised here.

        A bounded number of items is under way, whatever the number of items. They travel in chunks
        of `chunk`, or of 16: 1 where each takes seconds. `function` may see an item twice: it must
        not mind.
        """
        waiting = (_Task(item) for item in items)
        order: deque[_Task] = deque()
        done = bar(items, what)
        try:
            while True:
                self._give_out(function, waiting, order, chunk or CHUNK)
                while order and order[0].is_done:
                    task = order.popleft()
                    done.update()
                    yield task.item, task.result
                if order and not order[0].is_done:
                    self._listen()
                elif not order and not self._fill(waiting, order, 1):
                    return
        finally:
            done.close()
            if order:  # an error, or the caller has gone away
                self.stop()

    def stop(self) -> None:
        """End all workers. Another `map` starts new ones."""
        for one in self._crew.values():
            _end(one)
        self._crew.clear()
        self._again.clear()

    def _fill(self, waiting: Iterator[_Task], order: deque[_Task], count: int) -> bool:
        """Take up to `count` tasks more; whether there was one."""
        taken = list(islice(waiting, count))
        order.extend(taken)
        self._again.extend(taken)
        return bool(taken)

    def _give_out(
        self,
        function: Callable[[Any], Any],
        waiting: Iterator[_Task],
        order: deque[_Task],
        chunk: int,
    ) -> None:
        """A chunk for each worker that has at most one, as far as the bound allows."""
        while True:
            idle = self._idle(chunk)
            room = _CHUNKS_UNDER_WAY * self._count * chunk - len(order)
            if len(self._again) < chunk and room > 0:
                self._fill(waiting, order, min(chunk, room))
            if not self._again or (idle is None and len(self._crew) >= self._count):
                return
            given = [self._again.popleft() for _ in range(min(chunk, len(self._again)))]
            self._give(idle or self._start(), function, given)

    def _idle(self, chunk: int) -> _Worker | None:
        fewest = min(self._crew.values(), key=lambda one: len(one.tasks), default=None)
        if fewest is None or len(fewest.tasks) > chunk:
            return None
        if fewest.tasks and len(self._crew) < self._count:
            return None  # a new worker begins at once, this one when it is done
        return fewest

    def _start(self) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        process = start(worker.serve, theirs, *self._arguments)
        theirs.close()  # so that the worker's death ends what we read
        self._crew[ours] = _Worker(process, ours)
        return self._crew[ours]

    def _give(self, one: _Worker, function: Callable[[Any], Any], tasks: Sequence[_Task]) -> None:
        if not one.tasks and one.is_ready:
            one.deadline = time.monotonic() + self._max_seconds
        one.tasks.extend(tasks)
        try:
            one.connection.send((function, [task.item for task in tasks]))
        except OSError:
            self._lose(one, blame=False)

    def _listen(self) -> None:
        """Wait for answers, deaths or the first deadline, and take in what came."""
        deadlines = [one.deadline for one in self._crew.values() if one.deadline is not None]
        patience = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        heard = wait(list(self._crew), patience)
        for connection in heard:
            self._hear(self._crew[connection])  # type: ignore[index]
        now = time.monotonic()
        for one in [*self._crew.values()]:
            if one.connection not in heard and one.deadline is not None and one.deadline <= now:
                reason = f"it took more than {self._max_seconds:g} seconds"
                one.tasks.popleft().finish(UnreadableImageError("too slow", reason))
                self._lose(one, blame=False)

    def _hear(self, one: _Worker) -> None:
        try:
            answer = one.connection.recv()
        except (EOFError, OSError):
            self._lose(one, blame=True)
            return
        if isinstance(answer, worker.Raised):
            raise answer.error
        if isinstance(answer, worker.Ready):
            one.is_ready, self._stillborn = True, 0
        else:
            one.tasks.popleft().finish(answer.result)
        one.deadline = time.monotonic() + self._max_seconds if one.tasks else None

    def _lose(self, one: _Worker, *, blame: bool) -> None:
        """End a worker and give its tasks to others, but for one that it died over too often."""
        del self._crew[one.connection]
        _end(one)
        if not one.is_ready:
            self._stillborn += 1
            if self._stillborn == _STILLBORN:
                raise WorkerError(
                    f"{_STILLBORN} worker processes in a row ended before they could begin; the "
                    f"last one with exit code {one.process.exitcode}. Is there enough memory?"
                )
        elif blame and one.tasks:
            first = one.tasks[0]
            first.attempts += 1
            if first.attempts == _ATTEMPTS:
                reason = f"its worker process ended with exit code {one.process.exitcode}"
                first.finish(UnreadableImageError("crashed the decoder", reason))
                one.tasks.popleft()
        self._again.extendleft(reversed(one.tasks))


def _end(one: _Worker) -> None:
    """Kill a worker. Not by `Process.kill`, which does nothing once its forkserver was killed."""
    assert one.process.pid is not None
    with suppress(ProcessLookupError):
        os.kill(one.process.pid, signal.SIGKILL)
    one.process.join()
    one.connection.close()
