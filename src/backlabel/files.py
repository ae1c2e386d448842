"""Writing whole or not at all, locking, and digests of contents."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from backlabel.errors import OutputError

_CHUNK = 1 << 20  # bytes


@contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file that appears at `path` whole when the block ends well, and not at all otherwise."""
    options: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(handle, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except OSError as error:
        Path(partial).unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """`value` as indented JSON with sorted keys; NaN is refused."""
    with atomic_write(path) as file:
        json.dump(value, file, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        file.write("\n")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """Hexadecimal MD5 of a file's bytes: the name of a published JPEG, not a safeguard."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def lock(path: Path, *, timeout_s: float = 0) -> Iterator[None]:
    """Hold an exclusive lock; the system frees it when the process dies, so none goes stale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=timeout_s):
            yield
    except Timeout as error:
        raise OutputError(
            f"{path}: another backlabel process holds this lock. Wait for it, or end it."
        ) from error


def shared_root() -> Path:
    """Where caches and stores live: the main repository's root.

    DVC runs an experiment in a temporary checkout and names the main one in DVC_ROOT, so that
    the main checkout, `--temp` and queue runs share one place.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def shared_folder() -> Path:
    """The untracked folder below `shared_root` for the hash cache, locks and the spool."""
    return shared_root() / ".backlabel"
