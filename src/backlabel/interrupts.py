"""Ctrl-C, or SIGTERM, ends a command in one line, wherever it strikes.

Python raises KeyboardInterrupt between any two steps of the main thread, also within libraries that
turn it into an error of their own (hydra fails to close a file that it had not opened yet, a class
that is being made wraps it) or drop it (a destructor). What counts is therefore that a signal came.
"""

from __future__ import annotations

import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STATUS = 128  # and the number of the signal, as a shell gives it for a program that one ended
_LATER_S = 0.01  # an interrupt that a destructor dropped is raised again after it
_came: list[int] = []


def one_line(run: Callable[[], int]) -> int:
    """The exit status of `run`, the whole of a command; an interrupt gives 130 or 143 and one line.

    Called in the main thread. Both are ignored afterwards, for nothing is left to be stopped.
    """
    for number in _SIGNALS:
        signal.signal(number, _raise)
    sys.unraisablehook = _not_dropped
    try:
        return run()
    except KeyboardInterrupt:
        return _interrupted()
    except Exception:
        if not came():
            raise
        return _interrupted()
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def came() -> bool:
    """Whether an interrupt came: then an error may be what a library made of it."""
    return bool(_came)


@contextmanager
def waiting() -> Iterator[None]:
    """A signal is answered after the block, and SIGINT blocked in processes that start within.

    Blocking it in this thread is not enough: the system hands it to another thread then, and
    Python still raises the interrupt in the main one.
    """
    from multiprocessing import resource_tracker  # noqa: PLC0415 - not of every system

    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    arrived: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    if is_main:
        for number in handlers:
            signal.signal(number, lambda number, frame: arrived.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if is_main:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if arrived:  # it comes before an error, which it may be the cause of
            signal.raise_signal(arrived[0])


def _raise(number: int, frame: types.FrameType | None) -> None:
    _came.append(number)
    signal.default_int_handler(number, frame)


def _not_dropped(error: sys.UnraisableHookArgs) -> None:
    if error.exc_type is KeyboardInterrupt:
        threading.Timer(_LATER_S, signal.raise_signal, _came[:1]).start()
    else:
        sys.__unraisablehook__(error)


def _interrupted() -> int:
    sys.stdout.flush()  # what was said before the interrupt stands before this line
    sys.stderr.write("backlabel: interrupted; run the same command again to go on\n")
    return _STATUS + next(iter(_came), signal.SIGINT)
