"""Progress bars with rate and remaining time; silent when standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from threading import RLock
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

# Only this process draws. A lock for several would be a semaphore of the system, of which Python
# 3.14 says that it leaked when the process is killed.
tqdm.set_lock(RLock())
tqdm.monitor_interval = 0  # no thread that watches for bars that stand still


def track(items: Iterable[Item], what: str, *, total: int | None = None) -> Iterable[Item]:
    """`items`, with a bar named `what` while they are taken; no bar where it has no name."""
    hidden = not what or not sys.stderr.isatty()
    return tqdm(items, desc=what, total=total, disable=hidden, unit="image")
