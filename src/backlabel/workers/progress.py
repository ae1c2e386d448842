"""Progress bars with rate and remaining time; silent when standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from operator import length_hint
from threading import RLock
from typing import Any, TypeVar

from tqdm import tqdm

Result = TypeVar("Result")

# Only this process draws. A lock for several would be a semaphore of the system, of which Python
# 3.14 says that it leaked when the process is killed.
tqdm.set_lock(RLock())
tqdm.monitor_interval = 0  # no thread that watches for bars that stand still


_UNITS = {"search": "block", "parts": "pair", "pictures": "pair"}
"""What items are where they are no images."""


def bar(items: Iterable[object], what: str) -> tqdm[Any]:
    """A bar named `what` that has a step for each of `items`; hidden where it has no name.

    Whoever has done an item calls its `update`.
    """
    hidden = not what or not sys.stderr.isatty()
    return tqdm(
        desc=what, total=length_hint(items) or None, disable=hidden, unit=_UNITS.get(what, "image")
    )


def counted(results: Iterable[Result], items: Iterable[object], what: str) -> Iterator[Result]:
    """`results`, one for each of `items`, beneath a bar named `what`."""
    with bar(items, what) as done:
        for one in results:
            done.update()
            yield one


def tell(line: str) -> None:
    """Write a line to standard error, above a bar that is there."""
    tqdm.write(line, file=sys.stderr)
