"""What a file holds, and by what an untouched file is known again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing import digests
from backlabel.storage import files

_SETTLED_S = 2.0
"""A file changed less than this before it was read could change again within one tick of a coarse
file system clock (2 s on FAT) and look untouched."""
_AT_ONCE_BYTES = 4 << 20
"""Of a file that is held in memory while others are read."""


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


def content_of(path: Path) -> Content:
    """Reads a file. One that changed within two seconds of reading it has no identity."""
    before = path.lstat()
    started = time.time()
    digest = files.sha256(path)
    after = path.lstat()
    known_again = _is_settled(after, started) and _numbers(before) == _numbers(after)
    return Content(digest, identity(path, before) if known_again else b"")


def contents_of(paths: Sequence[Path]) -> list[Content | None]:
    """Of each file as `content_of`, several at once, which may be quicker.

    None where it is not, for large files, and for those that have no identity or cannot be read.
    """
    if not digests.QUICKER:
        return [None] * len(paths)
    started = time.time()
    read: dict[int, tuple[NDArray[np.uint8], bytes]] = {}
    for i, path in enumerate(paths):
        try:
            with images.opened(path, max_bytes=_AT_ONCE_BYTES) as source:
                message = source.read_into(np.empty(source.size, np.uint8), 0)
        except UnreadableImageError:  # whoever reads it by itself says why
            continue
        if _is_settled(source.status, started):
            read[i] = message, identity(path, source.status)
    found: list[Content | None] = [None] * len(paths)
    made = digests.sha256_of([message for message, _ in read.values()])
    for (i, (_, known_by)), digest in zip(read.items(), made, strict=True):
        found[i] = Content(digest.hex(), known_by)
    return found


def _is_settled(status: os.stat_result, started: float) -> bool:
    return max(status.st_mtime, status.st_ctime) < started - _SETTLED_S


def _numbers(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written to, replaced or given another time."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
