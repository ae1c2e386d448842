"""What a file holds, and by what an untouched file is known again."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from backlabel import images

SETTLED_S = 2.0
"""A file changed less than this before it was read could change again within one tick of a coarse
file system clock (2 s on FAT) and look untouched."""
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    sha256: str
    identity: bytes
    """By what the untouched file is known again; empty where it must not be."""


def identity(status: os.stat_result) -> bytes:
    """Device, inode, size, and times of modification and of status change in nanoseconds.

    The last of them cannot be set back, so that new bytes under an old time are seen. A further
    link to the file changes it too: where DVC links checkouts to its cache (`cache.type hardlink`)
    it protects the files from being written to, and they are known without it. The path is no part
    of it, so that a temporary checkout knows the files that it shares.
    """
    return json.dumps(_numbers(status)).encode()


def is_linked_by_dvc(status: os.stat_result) -> bool:
    """Whether the file has further names and may not be written to, as DVC leaves hard links."""
    return status.st_nlink > 1 and not status.st_mode & _WRITABLE


def content_of(source: images.Source) -> Content:
    """What `source`, which was just opened, holds.

    It has no identity if it changed within two seconds before. Later changes need no thought: they
    give it another time of status change than the one that it had when it was opened.
    """
    settled = is_settled(source.status, time.time())
    return Content(source.sha256(), identity(source.status) if settled else b"")


def is_settled(status: os.stat_result, moment: float) -> bool:
    """Whether the file had its bytes two seconds before `moment` (seconds since 1970) already."""
    return max(status.st_mtime, status.st_ctime) < moment - SETTLED_S


def here(elsewhere: bytes, path: Path) -> bytes:
    """The identity on this machine of the file at `path`, which has `elsewhere` on another.

    Machines number devices as they like; the other numbers come from the file system that they
    share. Empty where the file has changed, or cannot be seen.
    """
    try:
        own = identity(images.file_at(path).lstat())
    except OSError:
        return b""
    return own if json.loads(elsewhere)[1:] == json.loads(own)[1:] else b""


def _numbers(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written to, replaced or given another time."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        0 if is_linked_by_dvc(status) else status.st_ctime_ns,
    )
