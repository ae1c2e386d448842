"""The process from which workers are forked.

Not plain fork: threads of the parent (of torch, of numba) would leave their locks held for ever.
Nor spawn: each worker, and each that takes the place of one that died, would import everything.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from typing import Any

from backlabel import interrupts
from backlabel.errors import WorkerError

CONTEXT = multiprocessing.get_context("forkserver")
_ATTEMPTS = 20
_PAUSE_S = 0.05  # a killed process refuses connections for a moment before it counts as dead
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""Threads of the libraries in a worker: one, since workers share the cores already. More would take
of the memory that an image may, the more the more cores there are, and change the order of sums."""


def preload(modules: Sequence[str], *, at_once: bool = True) -> None:
    """Let the process from which workers are forked import `modules`: `at_once`, or when it starts.

    Of use before the first worker is started. A module that cannot be imported there is left for
    the worker that needs it, which reports the error.
    """
    CONTEXT.set_forkserver_preload(list(modules))
    if at_once:
        ensure_forkserver()


def ensure_forkserver() -> None:
    """Start the process from which workers are forked, unless it runs.

    SIGINT is blocked in it, and so in every worker: Ctrl-C reaches all processes of the terminal,
    and the parent alone answers it, by ending its workers.
    """
    with interrupts.waiting(), _one_thread():
        forkserver.ensure_running()


@contextmanager
def _one_thread() -> Iterator[None]:
    """For a process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def start(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A new process, forked from the forkserver, that runs `target` and ends with this one.

    Raises WorkerError where no process can be started.
    """
    for _ in range(_ATTEMPTS):
        ensure_forkserver()
        process = CONTEXT.Process(target=target, args=arguments, daemon=True)
        try:
            with interrupts.waiting():  # half-started, a process would end in a traceback
                process.start()
        except (EOFError, OSError) as error:  # the forkserver was killed just now
            reason = str(error) or "its forkserver ended"
            time.sleep(_PAUSE_S)
        else:
            return process
    raise WorkerError(f"No worker process can be started: {reason}.")
