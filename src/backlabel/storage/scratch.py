"""What there is of every image, in files without a name: memory holds what is being looked at.

The kernel may drop their pages when memory is short, and frees their space on the disk when the
process ends, however it ends.
"""

from __future__ import annotations

import os
import struct
import tempfile
import weakref
from threading import RLock
from typing import TYPE_CHECKING, Any

from backlabel.errors import OutputError
from backlabel.storage.files import shared_folder

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_PLACE = struct.Struct("<QQ")
"""Where a value begins, and how many bytes it has."""
_TOGETHER = 8192  # bytes that are written, and read, at a time: most are asked for in order


class Scratch:
    """A file that is added to and read. Safe for threads."""

    def __init__(self) -> None:
        folder = shared_folder()  # its disk has room for what the stages write
        is_there = os.access(folder, os.W_OK | os.X_OK)
        self._folder = str(folder) if is_there else tempfile.gettempdir()
        self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - below
        weakref.finalize(self, self._file.close)
        self._size = 0
        self._waiting, self._waiting_at = bytearray(), 0
        self._block, self._block_at = b"", 0
        self._lock = RLock()

    def __len__(self) -> int:
        return self._size

    def add(self, raw: bytes | memoryview) -> int:
        """Write bytes at the end, and say where they begin. Raises OutputError."""
        with self._lock:
            start = self._size
            self.put(start, raw)
            return start

    def put(self, at: int, raw: bytes | memoryview) -> None:
        """Write bytes from byte `at` on. Raises OutputError."""
        with self._lock:
            if at != self._waiting_at + len(self._waiting):
                self._write()
                self._waiting_at = at
            self._waiting += raw
            self._size = max(self._size, self._waiting_at + len(self._waiting))
            if len(self._waiting) >= _TOGETHER:
                self._write()

    def get(self, at: int, count: int) -> bytes:
        """The `count` bytes from byte `at` on. Raises OutputError."""
        with self._lock:
            if self._waiting:
                self._write()
            start = at - self._block_at
            if not 0 <= start <= len(self._block) - count:
                start, self._block_at = 0, at
                self._block = os.pread(self._file.fileno(), max(count, _TOGETHER), at)
            return self._block[start : start + count]

    def array(self, dtype: DTypeLike = "uint8") -> NDArray[Any]:
        """All that was written, mapped and not read."""
        import numpy as np  # noqa: PLC0415 - who lists files need not wait for it

        with self._lock:
            self._write()
        if not self._size:
            return np.empty(0, dtype)
        return np.asarray(np.memmap(self._file, dtype, "r"))

    def _write(self) -> None:
        if not self._waiting:
            return
        rest = memoryview(self._waiting)
        self._waiting, self._block = bytearray(), b""
        try:
            while rest:
                done = os.pwrite(self._file.fileno(), rest, self._waiting_at)
                rest, self._waiting_at = rest[done:], self._waiting_at + done
        except OSError as error:
            raise OutputError(f"{self._folder}: cannot be written ({error.strerror})") from error


class Shelf:
    """Values of bytes by number."""

    def __init__(self) -> None:
        self._places, self._values = Scratch(), Scratch()

    def __len__(self) -> int:
        return len(self._places) // _PLACE.size

    def append(self, value: bytes) -> None:
        """Have one more at the end."""
        self[len(self)] = value

    def __setitem__(self, at: int, value: bytes) -> None:
        place = _PLACE.pack(self._values.add(value), len(value))
        self._places.put(_PLACE.size * at, place)

    def __getitem__(self, at: int) -> bytes:
        return self._values.get(*_PLACE.unpack(self._places.get(_PLACE.size * at, _PLACE.size)))
