"""A folder of files that grows up to a limit: what was not asked for longest goes first."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from backlabel.storage.files import PARTIAL, atomic_write

_KEPT = 0.8  # share of the limit that is left when it was passed: not each file has to tidy up


class BoundedFolder:
    """Files by name in `folder`, `most_bytes` of them at most. Safe for threads and processes."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._held: int | None = None
        self._lock = Lock()

    def get(self, name: str) -> bytes | None:
        """What was put; None where it is not there, or not there any more."""
        path = self._folder / name
        try:
            content = path.read_bytes()
            os.utime(path)  # the last that was asked for is the last to go
        except OSError:
            return None
        return content

    def put(self, name: str, content: bytes) -> None:
        """Keep `content`. Raises OutputError."""
        with atomic_write(self._folder / name, "wb") as file:
            file.write(content)
        with self._lock:
            self._held = None if self._held is None else self._held + len(content)
            if self._held is None or self._held > self._most:
                self._held = self._tidied()

    def _tidied(self) -> int:
        """The bytes that the folder holds, after the oldest files went if it held too much."""
        files = []
        for entry in os.scandir(self._folder):
            if not entry.name.startswith(PARTIAL):
                status = entry.stat(follow_symlinks=False)
                files.append((status.st_mtime_ns, status.st_size, Path(entry)))
        held = sum(size for _, size, _ in files)
        if held > self._most:
            for _, size, path in sorted(files):
                if held <= _KEPT * self._most:
                    break
                path.unlink(missing_ok=True)  # another process may tidy up too
                held -= size
        return held
