"""Items in, results in order out, over the workers of a Dask cluster."""

from __future__ import annotations

import pickle
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from distributed import Future, KilledWorker
from distributed.comm.core import CommClosedError

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.storage.files import make_folder, shared_folder
from backlabel.workers import clusters, remote
from backlabel.workers.cluster import reaching
from backlabel.workers.crew import TASK
from backlabel.workers.progress import bar

if TYPE_CHECKING:
    from backlabel.workers.cluster import Cluster
    from backlabel.workers.crew import Keep

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNKS_UNDER_WAY = 3  # a thread of a worker; as many wait at the scheduler as it is worth
_LOOK_S = 2.0  # between two looks at whether the cluster is still there
_ATTEMPTS = 5  # at a chunk, each of which Dask gives up after four lost workers


@contextmanager
def crew(
    cluster: Cluster,
    *,
    max_seconds: float,
    max_memory_mib: int,
    prepare: Callable[[], object] | None,
    keep: Keep | None,
) -> Iterator[DaskCrew]:
    """The workers of `cluster`, which is started, or reached, for a first item.

    Raises WorkerError where it cannot be reached, no worker comes, or a worker is not fit.
    """
    with ExitStack() as stack:
        reach = stack.enter_context(reaching())

        def connect() -> tuple[clusters.Connection, remote.Terms]:
            mark = stack.enter_context(_marked())
            terms = remote.Terms(
                root=str(Path.cwd()),
                mark=str(mark),
                build=remote.build(),
                max_seconds=max_seconds,
                max_memory_mib=max_memory_mib,
                prepare=prepare,
                keep=keep,
            )
            connection = reach(cluster)
            stack.callback(_release, connection, str(mark))
            return connection, terms

        yield DaskCrew(connect)


def _release(connection: clusters.Connection, mark: str) -> None:
    """End the processes that this run has on workers which stay."""
    if connection.client.status == "running":
        with suppress(*clusters.LOST):
            connection.client.run(remote.release, mark, on_error="ignore")


@contextmanager
def _marked() -> Iterator[Path]:
    """A new file by which workers know the repository again."""
    folder = shared_folder() / "clusters"
    make_folder(folder)
    mark = folder / secrets.token_hex(8)
    mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def _task() -> Callable[[bytes], list[Any]]:
    """A function that is sent whole: the scheduler needs no package of ours, and a worker without
    it says so instead of failing at what it cannot unpack."""

    def task(packed: bytes) -> list[Any]:
        from backlabel.workers import remote  # noqa: PLC0415

        return remote.run(packed)

    return task


@dataclass
class _Chunk:
    """Items on their way to a worker and back."""

    items: list[Any]
    future: Future[Any]
    attempts: int = 1


class DaskCrew:
    """As `backlabel.workers.crew.Crew`, over a connection that is made when there is an item."""

    def __init__(self, connect: Callable[[], tuple[clusters.Connection, remote.Terms]]) -> None:
        self._connect = cache(connect)
        self._threads = 0
        self._alone_since: float | None = None
        self._looked = float("-inf")

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        what: str,
        chunk: int | None = None,
    ) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
        """As `backlabel.workers.pool.Workers.map`; a chunk of a lost worker is done again.

        Raises WorkerError where the scheduler is lost, or all workers for longer than is waited,
        and where a worker does not see a file that is there on this machine.
        """
        waiting = iter(items)
        chunks = iter(lambda: list(islice(waiting, chunk or TASK)), [])
        order: deque[_Chunk] = deque()
        done = bar(items, what)
        try:
            while True:
                room = _CHUNKS_UNDER_WAY * max(self._threads, 1) - len(order)
                for own in islice(chunks, max(room, 0)):
                    order.append(_Chunk(own, self._submit(function, own)))
                if not order:
                    return
                results = self._results(order[0], function)
                first = order.popleft()
                for item, result in zip(first.items, results, strict=True):
                    clusters.require_seen(result)
                    done.update()
                    yield item, result
        finally:
            done.close()
            if order:  # an error, or the caller has gone away
                with suppress(*clusters.LOST):
                    self._connection().client.cancel([one.future for one in order])

    def _connection(self) -> clusters.Connection:
        return self._connect()[0]

    def _submit(self, function: Callable[[Any], Any], items: list[Any]) -> Future[Any]:
        packed = pickle.dumps((self._connect()[1], function, items))
        with clusters.reported_as_lost(self._connection().address):
            return self._connection().client.submit(_task(), packed, pure=False)

    def _results(self, one: _Chunk, function: Callable[[Any], Any]) -> list[Any]:
        while True:
            self._look()
            try:
                results: list[Any] = one.future.result(timeout=_LOOK_S)
            except (TimeoutError, CancelledError, CommClosedError) as error:
                if one.future.status == "error":  # the task's own
                    raise
                if not isinstance(error, TimeoutError):
                    raise clusters.lost(self._connection().address) from error
            except KilledWorker as error:
                one.attempts += 1
                if one.attempts > _ATTEMPTS:
                    raise WorkerError(
                        f"Workers of the cluster end over and over: {error} Is there enough memory "
                        "for read.max_memory_mib in each of their processes?"
                    ) from error
                one.future = self._submit(function, one.items)
            except ModuleNotFoundError as error:
                if (error.name or "").split(".")[0] != "backlabel":
                    raise
                raise clusters.no_package("A worker") from error
            else:
                return results

    def _look(self) -> None:
        """Now and then: is there a worker, and how many threads have they?"""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        with clusters.reported_as_lost(self._connection().address):
            self._threads = self._connection().threads()
            self._connection().replace_lost_jobs()
        if self._threads:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > self._connection().cluster.wait_s:
            raise clusters.no_worker(self._connection())
