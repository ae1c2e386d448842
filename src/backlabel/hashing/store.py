"""Small checked values on disk: one file each, whole or worthless.

Processes share a store without a lock: a value is written aside and renamed into place, and two
writers of one key write the same. Nothing is synchronised to the disk; what a crash tears is found
by its checksum and counts as missing. One file an entry, not a database: nothing to repair, no
locking on network file systems, and memory does not grow with the number of entries.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from backlabel.errors import OutputError

_CHECK_BYTES = 32


class Store:
    """Values by key below `folder`, which is made when the first value is put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`; None where it is not stored, or not as it was put."""
        try:
            with open(self._path(key), "rb") as file:  # noqa: PTH123 - twice as fast as by way of Path
                raw = file.read()
        except OSError:  # missing, or a folder, or not ours to read: all the same to a cache
            return None
        check, value = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        return value if check == _check(key, value) else None

    def put(self, key: bytes, value: bytes) -> None:
        """Keep `value` for `key`. Raises OutputError where the folder cannot be written."""
        path = self._path(key)
        try:
            handle, partial = _partial(path)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_check(key, value) + value)
                os.replace(partial, path)  # noqa: PTH105
            except BaseException:
                Path(partial).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error

    def _path(self, key: bytes) -> str:
        name = hashlib.sha256(key).hexdigest()
        return f"{self.folder}/{name[:2]}/{name[2:]}"


def _partial(path: str) -> tuple[int, str]:
    """A new file beside `path`, in a folder that is made if need be."""
    folder = os.path.dirname(path)  # noqa: PTH120
    try:
        return tempfile.mkstemp(dir=folder, prefix=".partial-")
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return tempfile.mkstemp(dir=folder, prefix=".partial-")


def _check(key: bytes, value: bytes) -> bytes:
    """Over the key too: a value that was moved to another name is worthless there."""
    return hashlib.sha256(len(key).to_bytes(8) + key + value).digest()
