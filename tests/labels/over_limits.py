"""What stands for reading that goes over a limit; imported by workers, so nothing else is here."""

from __future__ import annotations

import time


def hungry(task, limits):
    """A tag that takes more memory than a worker may have."""
    return "ab" * 32 if task[2] is None else bytearray(1 << 40)


def endless(task, limits):
    """A tag that takes more time than a worker may have."""
    if task[2] is not None:
        time.sleep(600)
    return "ab" * 32
