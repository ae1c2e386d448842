"""What a worker of a Dask cluster does: hands items on to a process of its own, with limits.

Everything here runs on the worker, in the threads in which Dask runs tasks. Each thread that is
busy has one process, which stays for the next task.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

import backlabel
from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.workers import forking
from backlabel.workers.crew import Finishing
from backlabel.workers.pool import Workers

LIBRARIES = (
    *("ImageHash", "numba", "numpy", "opencv-python-headless", "scikit-image", "scipy", "torch"),
    *("Pillow", "imagecodecs", "simplejpeg", "tifffile"),
)
"""Whose versions can change what a worker finds: a hash, a feature or a score."""
_IMPORTED = (
    "backlabel.hashing.file",
    "backlabel.hashing.perceptual",
    "backlabel.images.reading",
    "backlabel.matching.scores",
)
"""What processes need for most stages: imported once, by the one that they are forked from."""
_FORGOTTEN_S = 300.0  # after which the idle process of a client that was killed is ended
_MARK_S = 10.0  # for a file to be seen through a network file system's cache


@dataclass(frozen=True)
class Terms:
    """What holds for all tasks of one crew."""

    root: str
    """The folder that a client runs in: relative paths begin there."""
    mark: str
    """A file of this client below `root`, by which its folder is known, and it itself."""
    build: str
    max_seconds: float
    max_memory_mib: int
    prepare: Callable[[], object] | None
    keep: Callable[[Sequence[Any], Sequence[Any]], object] | None = field(
        default=None, compare=False
    )
    """Keeps the results of a task; a process does not depend on it."""


@cache
def build() -> str:
    """The version of this package, of its code and of the libraries that count, in one line."""
    folder = Path(backlabel.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    # Not the part after "+": a GPU's build of torch finds what the CPU's finds.
    libraries = ", ".join(
        f"{name} {metadata.version(name).partition('+')[0]}" for name in LIBRARIES
    )
    return f"backlabel {backlabel.__version__} (code {digest.hexdigest()[:12]}), {libraries}"


def run(packed: bytes) -> list[Any | UnreadableImageError]:
    """A task, which is `Terms`, a function and its items, pickled: the result of each item.

    Raises WorkerError where this worker is not fit for it.
    """
    terms, function, items = pickle.loads(packed)  # noqa: S301 - Dask has unpacked it from pickle
    if build() != terms.build:
        raise other_build(f"The worker on {socket.gethostname()}", build(), terms.build)
    _require_folder(terms)
    begin = function.begin if isinstance(function, Finishing) else function
    with _CREWS.one(terms) as workers:
        results = [result for _, result in workers.map(begin, items, what="")]
    if isinstance(function, Finishing):
        with _FINISHING:
            results = [*function.finish(results)]
    if terms.keep is not None:
        terms.keep(items, results)
    return results


def other_build(who: str, theirs: str, ours: str) -> WorkerError:
    """The error for one whose results might differ."""
    return WorkerError(
        f"{who} has {theirs}; here it is {ours}. Install the same on both, and start the "
        "worker again."
    )


def release(mark: str) -> None:
    """End the idle processes of the client of this mark; those at work end with their task."""
    _CREWS.close(mark)


def _require_folder(terms: Terms) -> None:
    until = time.monotonic() + _MARK_S
    while not os.path.exists(terms.mark):  # noqa: PTH110 - a path of text from elsewhere
        if time.monotonic() > until:
            raise WorkerError(
                f"The worker on {socket.gethostname()} does not see the folder {terms.root} as it "
                "is here. All machines need the repository and its images under the same path: "
                "put it on a file system that they share."
            )
        time.sleep(0.1)


def _begin(root: str, prepare: Callable[[], object] | None) -> None:
    os.chdir(root)
    if prepare is not None:
        prepare()


class _Crews:
    """The processes of this worker that wait for a task, by the terms that they were made for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[tuple[Terms, Workers, float]] = []
        self._closed: set[str] = set()

    @contextmanager
    def one(self, terms: Terms) -> Iterator[Workers]:
        """A process for one task, which no other task has meanwhile."""
        self._end(lambda own, since: since < time.monotonic() - _FORGOTTEN_S)
        workers = self._taken(terms) or _new(terms)
        try:
            yield workers
        except BaseException:
            workers.stop()
            raise
        with self._lock:
            if terms.mark not in self._closed:
                self._idle.append((terms, workers, time.monotonic()))
                return
        workers.stop()

    def close(self, mark: str) -> None:
        """No process for this client any more."""
        with self._lock:
            self._closed.add(mark)
        self._end(lambda own, since: own.mark == mark)

    def _taken(self, terms: Terms) -> Workers | None:
        with self._lock:
            for place, (own, workers, _) in enumerate(self._idle):
                if own == terms:
                    del self._idle[place]
                    return workers
        return None

    def _end(self, is_over: Callable[[Terms, float], bool]) -> None:
        with self._lock:
            over = [one for one in self._idle if is_over(one[0], one[2])]
            self._idle = [one for one in self._idle if one not in over]
        for _, workers, _ in over:
            workers.stop()


def _new(terms: Terms) -> Workers:
    # Dask marks its processes as daemons, which may have no children: a safeguard against what is
    # left when they die. Ours end by themselves when their parent does.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    forking.preload(_IMPORTED, at_once=False)
    return Workers(
        1,
        max_seconds=terms.max_seconds,
        max_memory_mib=terms.max_memory_mib,
        prepare=partial(_begin, terms.root, terms.prepare),
    )


_FINISHING = Lock()
"""A GPU's memory is for one task at a time."""
_CREWS = _Crews()
