"""Small checked values on disk, in one SQLite file that processes share.

A killed process leaves a journal, which the next one to open the file rolls back. Nothing is
synchronised to the disk: what a crash of the machine tears is found by SQLite, and then the file is
begun anew, or by a value's own checksum, and then it counts as missing.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Self

from backlabel.errors import OutputError
from backlabel.storage.files import make_folder

_CHECK_BYTES = 32
_PATIENCE_S = 60.0  # for another process that writes; each does for milliseconds
_SETTINGS = """
PRAGMA journal_mode = TRUNCATE;  -- WAL needs shared memory
PRAGMA synchronous = OFF;
PRAGMA cache_size = -256;  -- KiB: keys are digests, so that few pages are asked for twice
"""
_TABLE = "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
_GET = "SELECT value FROM entries WHERE key = ?"
_PUT = "INSERT OR REPLACE INTO entries VALUES (?, ?)"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_GONE = sqlite3.SQLITE_READONLY  # also said of a file that was deleted while it was open


class Store:
    """Values by key in the file `path`, which is made when the first value is put.

    Safe for threads. It can be pickled: each process opens the file when it needs it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self._path,)

    def __del__(self) -> None:
        self._close()  # Python 3.13 warns of a connection that is left to be collected

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`; None where it is not stored, or not as it was put."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, as `get` gives it."""
        if not keys:
            return []
        with self._lock:
            try:
                connection = self._opened("rw")
                connection.execute("BEGIN")  # one for all: each would lock the file anew
                with connection:
                    rows = [connection.execute(_GET, (_name(key),)).fetchone() for key in keys]
            except sqlite3.Error:  # missing, damaged, not ours to read: all the same to a cache
                self._close()
                return [None for _ in keys]
        return [_whole(key, row[0] if row else b"") for key, row in zip(keys, rows, strict=True)]

    def put(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep each value for its key: all or none. Raises OutputError if that cannot be done."""
        rows = [(_name(key), _check(key, value) + value) for key, value in items]
        with self._lock:
            try:
                self._insert_or_begin_anew(rows)
            except (sqlite3.Error, OSError) as error:
                self._close()
                raise OutputError(f"{self._path}: cannot be written ({error})") from error

    def _insert_or_begin_anew(self, rows: list[tuple[bytes, bytes]]) -> None:
        try:
            self._insert(rows)
        except sqlite3.Error as error:
            self._close()
            code = error.sqlite_errorcode & 0xFF  # above these bits: details
            if code in _DAMAGED:
                self._delete()
            elif code != _GONE:
                raise
            self._insert(rows)

    def _insert(self, rows: list[tuple[bytes, bytes]]) -> None:
        make_folder(self._path.parent)
        connection = self._opened("rwc")
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            connection.execute(_TABLE)
            connection.executemany(_PUT, rows)

    def _opened(self, mode: str) -> sqlite3.Connection:
        if self._connection is None:
            uri = f"{self._path.absolute().as_uri()}?mode={mode}"
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(_SETTINGS)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _delete(self) -> None:
        for path in (self._path, self._path.with_name(f"{self._path.name}-journal")):
            path.unlink(missing_ok=True)


def _whole(key: bytes, raw: object) -> bytes | None:
    """The value in what is stored under `key`, if it is as it was put."""
    if not isinstance(raw, bytes):
        return None
    check, value = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    return value if check == _check(key, value) else None


def _name(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _check(key: bytes, value: bytes) -> bytes:
    """Over the key too: a value under another key is worthless there."""
    return hashlib.sha256(len(key).to_bytes(8) + key + value).digest()
