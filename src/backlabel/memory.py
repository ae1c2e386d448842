"""What the C library does with freed memory, and when Python looks for garbage."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT = 64 << 20  # bytes


def keep_freed() -> None:
    """Keep up to 64 MiB of freed memory for what comes next.

    glibc gives a few freed MB back to the system and asks for them again at once: the pages of
    every image would be fetched and cleared anew, which is a twentieth of decoding it. Elsewhere
    nothing is done.
    """
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        adjust(_MMAP_THRESHOLD, _KEPT // 2)
        adjust(_TRIM_THRESHOLD, _KEPT)


@contextmanager
def no_search_for_garbage() -> Iterator[None]:
    """For imports: what they make stays, and to look through it takes a sixth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor later on: pages that a fork shares stay shared
        gc.enable()
