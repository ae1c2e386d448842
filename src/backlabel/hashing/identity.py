"""What a file holds, and by what an untouched file is known again."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from backlabel import images

_SETTLED_S = 2.0
"""A file changed less than this before it was read could change again within one tick of a coarse
file system clock (2 s on FAT) and look untouched."""


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    sha256: str
    identity: bytes
    """By what the untouched file is known again; empty where it must not be."""


def identity(path: Path, status: os.stat_result) -> bytes:
    """Path, device, inode, size, and times of modification and of status change in nanoseconds.

    The last of them cannot be set back, so that new bytes under an old time are seen.
    """
    place = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - half the time of Path's
    return os.fsencode(place) + b"\0" + json.dumps(_numbers(status)).encode()


def content_of(path: Path, source: images.Source) -> Content:
    """What `source`, just opened at `path`, holds.

    It has no identity if it changed within two seconds before. Later changes need no thought: they
    give it another time of status change than the one that it had when it was opened.
    """
    settled = max(source.status.st_mtime, source.status.st_ctime) < time.time() - _SETTLED_S
    return Content(source.sha256(), identity(path, source.status) if settled else b"")


def _numbers(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written to, replaced or given another time."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
