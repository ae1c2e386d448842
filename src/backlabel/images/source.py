"""One opened file: bounded reads, its digest, and proof that it stayed the same meanwhile."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.inventory.links import cached_file

_REASONS = {
    errno.ENOENT: ("vanished", "the file is no longer there"),
    errno.ENOTDIR: ("vanished", "its folder is no longer there"),
    errno.EACCES: ("no permission", "the file may not be read"),
    errno.EPERM: ("no permission", "the file may not be read"),
    errno.ELOOP: ("link", "it is a symbolic link that does not lead into DVC's cache"),
    errno.ENAMETOOLONG: ("path too long", "the path is longer than the system can open"),
    errno.ENXIO: ("not a file", "it is a socket or a device"),
}
_DISK_ERROR = "disk error"
OF_THE_SYSTEM = frozenset({_DISK_ERROR, *(reason for reason, _ in _REASONS.values())})
"""Reasons that are not the file's: another moment or machine may read it."""

# A FIFO opened without O_NONBLOCK waits for ever; a link could lead anywhere.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


_HELD_BYTES = 256 << 20
"""Of the largest file that is held in memory as a whole."""
_PIECE_BYTES = 1 << 20


class Source:
    """A regular file that is open for reading. Positions and lengths are in bytes.

    What reads all of a file up to 256 MiB holds it: bytes, digest and picture come from one read.
    """

    def __init__(self, descriptor: int, status: os.stat_result) -> None:
        self.descriptor = descriptor
        self.status = status
        self.size = status.st_size
        self._held: bytes | None = None

    def sha256(self) -> str:
        """Hexadecimal SHA-256 of all bytes."""
        if self.size <= _HELD_BYTES:
            return hashlib.sha256(self.read(0, self.size)).hexdigest()
        digest = hashlib.sha256()
        for position in range(0, self.size, _PIECE_BYTES):
            digest.update(self.read(position, min(_PIECE_BYTES, self.size - position)))
        return digest.hexdigest()

    def file(self) -> IO[bytes]:
        """The same bytes as a file of its own, from its beginning; to be closed."""
        if self._held is not None:
            return io.BytesIO(self._held)
        file = os.fdopen(os.dup(self.descriptor), "rb")
        file.seek(0)
        return file

    def read(self, position: int, length: int) -> bytes:
        """Exactly `length` bytes. Raises UnreadableImageError where the file is shorter."""
        self.require(position, length)
        if self._held is not None:
            return self._held[position : position + length]  # all of it is no copy
        data = self._fetch(position, length)
        if length == self.size <= _HELD_BYTES:
            self._held = data
        return data

    def read_into(self, buffer: NDArray[np.uint8], position: int) -> NDArray[np.uint8]:
        """Fill the flat `buffer` from `position` on, and give it back."""
        self.require(position, buffer.size)
        if self._held is not None:
            buffer[:] = np.frombuffer(self._held, np.uint8, buffer.size, position)
            return buffer
        view, done = buffer.data, 0
        while done < len(view):
            count = self._read_some(view[done:], position + done)
            if count == 0:
                raise UnreadableImageError("changed", "the file was cut while it was read")
            done += count
        return buffer

    def require(self, position: int, length: int) -> None:
        """Raise UnreadableImageError unless `length` bytes at `position` lie inside the file."""
        if position < 0 or length < 0 or position + length > self.size:
            raise UnreadableImageError(
                "truncated",
                f"needs {length} bytes at {position}, but the file ends at {self.size}",
            )

    def _fetch(self, position: int, length: int) -> bytes:
        try:
            data = os.pread(self.descriptor, length, position)
        except OSError as error:
            raise unreadable(error) from error
        if len(data) < length:  # cut meanwhile, or more than the system gives at once
            return self.read_into(np.empty(length, np.uint8), position).tobytes()
        return data

    def _read_some(self, view: memoryview, position: int) -> int:
        try:
            return os.preadv(self.descriptor, [view], position)
        except OSError as error:
            raise unreadable(error) from error


@contextmanager
def opened(path: Path, *, max_bytes: int) -> Iterator[Source]:
    """`path`, open. On the way out it must still be the same file, unchanged.

    No link is followed but those that DVC made to its own cache. Raises UnreadableImageError for
    whatever cannot be opened, is no regular file, is empty or larger than `max_bytes`, or was
    changed, replaced or deleted meanwhile; such errors of the block, too, name the path.
    """
    try:
        with _opened(path, max_bytes) as source:
            yield source
    except UnreadableImageError as error:
        error.path = error.path or str(path)
        raise


@contextmanager
def _opened(path: Path, max_bytes: int) -> Iterator[Source]:
    try:
        descriptor = os.open(file_at(path), _FLAGS)
    except OSError as error:
        raise unreadable(error) from error
    try:
        status = os.fstat(descriptor)
        _refuse(status, max_bytes)
        yield Source(descriptor, status)
        _require_same(status, os.fstat(descriptor), path)
    finally:
        os.close(descriptor)


def file_at(path: Path) -> Path:
    """The path that is read where `path` is asked for: itself, or what it names in DVC's cache."""
    return (cached_file(path) if os.path.islink(path) else None) or path  # noqa: PTH114 - no error


def unreadable(error: OSError) -> UnreadableImageError:
    """The system's refusal as the error of one image."""
    reason, detail = _REASONS.get(
        error.errno or 0, (_DISK_ERROR, f"the system could not read it ({error.strerror})")
    )
    return UnreadableImageError(reason, detail)


def _refuse(status: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a file", "it is a folder, FIFO, socket or device")
    if status.st_size == 0:
        raise UnreadableImageError("empty", "the file has no bytes")
    if status.st_size > max_bytes:
        raise UnreadableImageError(
            "too large", f"the file has {status.st_size} bytes, the limit is {max_bytes}"
        )


def _require_same(before: os.stat_result, after: os.stat_result, path: Path) -> None:
    try:
        named = file_at(path).lstat()
    except OSError as error:
        raise unreadable(error) from error
    if _identity(before) != _identity(after) or _identity(before) != _identity(named):
        raise UnreadableImageError("changed", "the file was changed while it was read")


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    # Not ctime: a hard link made beside it, as DVC does, changes nothing in the picture.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
