"""Ctrl-C ends a command in one line, wherever it strikes.

Python raises KeyboardInterrupt between any two steps of the main thread, also within libraries that
turn it into an error of their own (hydra fails to close a file that it had not opened yet, a class
that is being made wraps it) or drop it (a destructor). What counts is therefore that SIGINT came.
"""

from __future__ import annotations

import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STATUS = 130  # as a shell gives it for a program that SIGINT ended
_LATER_S = 0.01  # an interrupt that a destructor dropped is raised again after it
_came = threading.Event()


def one_line(run: Callable[[], int]) -> int:
    """The exit status of `run`, the whole of a command; an interrupt gives 130 and one line.

    Called in the main thread. SIGINT is ignored afterwards, for nothing is left to be stopped.
    """
    signal.signal(signal.SIGINT, _raise)
    sys.unraisablehook = _not_dropped
    try:
        return run()
    except KeyboardInterrupt:
        return _interrupted()
    except Exception:
        if not _came.is_set():
            raise
        return _interrupted()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def waiting() -> Iterator[None]:
    """SIGINT is answered after the block, and is blocked in processes that start within.

    Blocking it in this thread is not enough: the system hands it to another thread then, and
    Python still raises the interrupt in the main one.
    """
    arrived: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    if is_main:
        signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if is_main:
            signal.signal(signal.SIGINT, handler)
    if arrived:
        signal.raise_signal(signal.SIGINT)


def _raise(number: int, frame: types.FrameType | None) -> None:
    _came.set()
    signal.default_int_handler(number, frame)


def _not_dropped(error: sys.UnraisableHookArgs) -> None:
    if error.exc_type is KeyboardInterrupt:
        threading.Timer(_LATER_S, signal.raise_signal, [signal.SIGINT]).start()
    else:
        sys.__unraisablehook__(error)


def _interrupted() -> int:
    sys.stdout.flush()  # what was said before the interrupt stands before this line
    sys.stderr.write("backlabel: interrupted; run the same command again to go on\n")
    return _STATUS
