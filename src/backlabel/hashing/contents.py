"""SHA-256 of files, without reading those that are known to be untouched."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

from backlabel.errors import OutputError
from backlabel.hashing.identity import SETTLED_S, identity
from backlabel.images.source import Source, file_at, opened
from backlabel.storage.digests import Digests
from backlabel.storage.store import Store

_CHUNK = 1 << 20  # bytes
_TOGETHER = 500  # files that are asked for, and kept
_THREADS = 8  # reading waits for the disk

Identify = Callable[[os.stat_result], bytes]


def lasting_identity(status: os.stat_result) -> bytes:
    """As `identity`, but without the time of status change, as DVC knows a file again.

    DVC changes the permissions of the files that a stage may write to, each time.
    """
    return json.dumps(
        ["lasting", status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]
    ).encode()


class Contents:
    """What is known of files from the hash stage and from earlier reading, in `folder`."""

    def __init__(self, folder: Path, identify: Identify = identity) -> None:
        self._store = Store(folder / "hashes.sqlite")
        self._identify = identify

    def known(self, paths: Sequence[Path]) -> dict[Path, str]:
        """The SHA-256 of those that are untouched since they were last read; reads none."""
        identities = [self._identity(path) for path in paths]
        found = self._store.get_many([one or b"" for one in identities])
        return {
            path: digest.hex()
            for path, one, digest in zip(paths, identities, found, strict=True)
            if one is not None and digest is not None
        }

    def _identity(self, path: Path) -> bytes | None:
        try:
            return self._identify(file_at(path).lstat())
        except OSError:  # whoever reads it says why
            return None

    def read(self, path: Path, *, max_bytes: int) -> tuple[str, os.stat_result]:
        """Read the file: its SHA-256, and what `keep` needs. Raises UnreadableImageError."""
        with opened(path, max_bytes=max_bytes) as source:
            return _digest(source), source.status

    def keep(self, read: Iterable[tuple[str, os.stat_result]]) -> None:
        """Know again what was read, where that had not changed just before."""
        settled = time.time() - SETTLED_S
        with suppress(OutputError):  # it is read again, then
            self._store.put(
                (self._identify(status), bytes.fromhex(digest))
                for digest, status in read
                if max(status.st_mtime, status.st_ctime) < settled
            )


def _digest(source: Source) -> str:
    """In pieces: no file is held as a whole for its digest alone."""
    digest = hashlib.sha256()
    for position in range(0, source.size, _CHUNK):
        digest.update(source.read(position, min(_CHUNK, source.size - position)))
    return digest.hexdigest()


class Folder:
    """The digests of what lies in a folder of ours; each file is read at most once.

    Files are known again by their lasting identity. A file may be asked for twice: what it was at
    first is forgotten when it has changed since.
    """

    def __init__(self, cache: Path) -> None:
        self._contents = Contents(cache, lasting_identity)
        self._seen = Digests()

    def look_at(self, paths: Iterable[Path]) -> None:
        """Read what is not known, several files at once, for `digest` to be quick."""
        self._seen = Digests(self._looked_at(iter(paths)))

    def _looked_at(self, paths: Iterator[Path]) -> Iterator[tuple[str, str]]:
        with ThreadPoolExecutor(_THREADS) as pool:
            while some := [*islice(paths, _TOGETHER)]:
                known = self._contents.known(some)
                for path, digest in known.items():
                    yield lasting_identity(path.stat()).decode(), digest
                new = [path for path in some if path not in known and path.is_file()]
                read = list(pool.map(_read, new))
                yield from ((lasting_identity(status).decode(), digest) for digest, status in read)
                self._contents.keep(read)

    def digest(self, path: Path) -> str:
        """SHA-256 of the file's bytes."""
        found = self._seen.get(lasting_identity(path.stat()).decode())
        if found is None:
            found, _ = _read(path)
        return found


def _read(path: Path) -> tuple[str, os.stat_result]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest(), status
