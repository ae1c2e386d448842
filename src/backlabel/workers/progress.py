"""Progress bars with rate and remaining time; silent when standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from operator import length_hint
from threading import RLock
from typing import Any

from tqdm import tqdm

# Only this process draws. A lock for several would be a semaphore of the system, of which Python
# 3.14 says that it leaked when the process is killed.
tqdm.set_lock(RLock())
tqdm.monitor_interval = 0  # no thread that watches for bars that stand still


_UNITS = {"search": "block", "compare": "pair", "parts": "pair", "pictures": "pair"}
"""What items are where they are no images."""


def bar(items: Iterable[object], what: str) -> tqdm[Any]:
    """A bar named `what` that has a step for each of `items`; hidden where it has no name.

    Whoever has done an item calls its `update`.
    """
    hidden = not what or not sys.stderr.isatty()
    return tqdm(
        desc=what, total=length_hint(items) or None, disable=hidden, unit=_UNITS.get(what, "image")
    )


def tell(line: str) -> None:
    """Write a line to standard error, above a bar that is there."""
    tqdm.write(line, file=sys.stderr)
