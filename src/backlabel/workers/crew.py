"""Who works on the items: processes of this machine, or the workers of a cluster.

Either way items go in and results come out in the order of the items, each worker has the limits
of seconds and memory for an item, and a worker that is lost changes nothing but the time it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.workers.cluster import Cluster, is_elsewhere
from backlabel.workers.pool import CHUNK, Workers
from backlabel.workers.progress import counted

Item = TypeVar("Item")
Half = TypeVar("Half")
Result = TypeVar("Result")
Keep: TypeAlias = Callable[[Sequence[Any], Sequence[Any]], object]
TASK = 2 * CHUNK
"""Items of a task on a cluster, which costs 10 ms of its own, unless a caller says how many."""
_COPYING_MIB = 256
_COPIED_TOGETHER = 500
_THREADS = 8  # reading and copying wait for the disk; more threads than this gained nothing


class Crew(Protocol):
    """Workers, wherever they are."""

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        what: str,
        chunk: int | None = None,
    ) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
        """As `backlabel.workers.pool.Workers.map`."""


@dataclass(frozen=True)
class Finishing(Generic[Item, Half, Result]):
    """A function in two steps, the second for many items at once, as a GPU wants it.

    On a cluster `begin` runs within the limits of an item, and `finish` in the worker's own
    process, for the results of one task at a time: what lies between the two stays there.
    """

    begin: Callable[[Item], Half]
    finish: Callable[
        [Sequence[Half | UnreadableImageError]], Sequence[Result | UnreadableImageError]
    ]

    def __call__(self, item: Item) -> Result | UnreadableImageError:
        """Both steps of one item."""
        (result,) = self.finish([self.begin(item)])
        return result


@contextmanager
def crew(
    cluster: Cluster | None,
    *,
    workers: int,
    max_seconds: float,
    max_memory_mib: int,
    prepare: Callable[[], object] | None = None,
    keep: Keep | None = None,
) -> Iterator[Crew]:
    """Workers of the cluster, or `workers` processes of this machine where there is none.

    `prepare` runs once in each process that works on items, outside of every limit. On a cluster
    `keep` is given the items and the results of each task where it was done, so that they outlive
    the scheduler and this process. Raises WorkerError where a cluster cannot be used.
    """
    if not is_elsewhere(cluster):
        with Workers(
            workers, max_seconds=max_seconds, max_memory_mib=max_memory_mib, prepare=prepare
        ) as here:
            yield here
        return
    try:
        from backlabel.workers import on_dask  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise WorkerError(
            f"cluster={cluster.kind}: {error.name} is not installed here: "
            "`pip install 'backlabel[cluster]'`, or choose cluster=local."
        ) from error
    with on_dask.crew(
        cluster,
        max_seconds=max_seconds,
        max_memory_mib=max_memory_mib,
        prepare=prepare,
        keep=keep,
    ) as there:
        yield there


def map_files(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    max_seconds: float,
    max_memory_mib: int,
    what: str,
    chunk: int | None = None,
    prepare: Callable[[], object] | None = None,
    cluster: Cluster | None = None,
    keep: Keep | None = None,
) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
    """`function` of each item, as `Crew.map` gives it, by workers that end with the last one."""
    with crew(
        cluster,
        workers=workers,
        max_seconds=max_seconds,
        max_memory_mib=max_memory_mib,
        prepare=prepare,
        keep=keep,
    ) as own:
        yield from own.map(function, items, what=what, chunk=chunk)


def map_copying(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    max_seconds: float,
    what: str,
    cluster: Cluster | None,
) -> Generator[tuple[Item, Result | UnreadableImageError]]:
    """As `map_files`, where `function` reads or writes files and decodes nothing.

    Threads do that as fast as processes, so that a cluster alone is worth workers. Only there an
    item has limits.
    """
    if not is_elsewhere(cluster):

        def done_here(item: Item) -> Result | UnreadableImageError:
            try:
                return function(item)
            except UnreadableImageError as error:
                return error

        rest = iter(items)
        with ThreadPoolExecutor(_THREADS) as executor:
            blocks = iter(lambda: [*islice(rest, _COPIED_TOGETHER)], [])
            results = (zip(some, executor.map(done_here, some), strict=True) for some in blocks)
            try:
                yield from counted(chain.from_iterable(results), items, what)
            finally:
                executor.shutdown(cancel_futures=True)  # after an error the rest is not done
        return
    yield from map_files(
        function,
        items,
        workers=1,
        max_seconds=max_seconds,
        max_memory_mib=_COPYING_MIB,
        what=what,
        cluster=cluster,
    )
