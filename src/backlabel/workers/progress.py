"""Progress bars with rate and remaining time; silent when standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def track(items: Iterable[Item], what: str, *, total: int | None = None) -> Iterable[Item]:
    """`items`, with a bar named `what` while they are taken; no bar where it has no name."""
    hidden = not what or not sys.stderr.isatty()
    return tqdm(items, desc=what, total=total, disable=hidden, unit="image")
