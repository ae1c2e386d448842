"""What tests have workers do, in processes of this machine and on a cluster."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from backlabel.errors import UnreadableImageError
from backlabel.workers.crew import Finishing

_AT_WORK = []


def square(number):
    return number * number


def slowly(number):
    time.sleep(0.05)
    return number


def once_let(number):
    while not Path("let").exists():
        time.sleep(0.05)
    return number


def hostile(kind):
    if kind == "unreadable":
        raise UnreadableImageError("corrupt", "the test says so")
    if kind == "hang":
        time.sleep(60)
    if kind == "crash":
        ctypes.string_at(0)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "memory":
        return str(len(bytearray(1 << 30)))
    return "fine"


def buggy(number):
    return 1 / number


def process_id(_):
    return os.getpid()


def _finish(found):
    """Adds to each who does this step, and how many do it in this process."""
    _AT_WORK.append(None)
    time.sleep(0.05)
    together = len(_AT_WORK)
    _AT_WORK.pop()
    return [[one, os.getpid(), together] for one in found]


in_two_steps = Finishing(process_id, _finish)
