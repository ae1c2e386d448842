"""Writing whole or not at all, locking, and digests of contents."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from backlabel.errors import OutputError

PARTIAL = ".partial-"
"""Start of the names of files that are being written."""


@contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file that appears at `path` whole when the block ends well, and not at all otherwise.

    A kill leaves at most `.partial-<name>` behind, which the next writer of `path` takes over.
    Raises OutputError that names `path`.
    """
    options: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    partial = path.with_name(PARTIAL + path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _take(partial)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(handle, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)  # while the lock is held: nobody may take `partial` over
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _take(partial: Path) -> int:
    """`partial`, empty, open and locked: what a killed writer left is used anew.

    The name is fixed, so that nothing piles up; the lock keeps two writers apart.
    """
    while True:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_at(partial, handle):
            os.ftruncate(handle, 0)
            return handle
        os.close(handle)  # meanwhile the other writer has renamed it into place


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def make_folder(path: Path) -> None:
    """`path` and the folders above it, where they are not there. Raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made ({error.strerror})") from error


def write_json(path: Path, value: Any) -> None:
    """`value` as indented JSON with sorted keys; NaN is refused."""
    with atomic_write(path) as file:
        json.dump(value, file, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        file.write("\n")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(files: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over the name and the SHA-256 of each file: what a set holds, whatever is said of it.

    A line each, `<sha256>  <name>`, by the bytes of the names.
    """
    ordered = sorted((os.fsencode(name), digest) for name, digest in files)
    lines = (digest.encode() + b"  " + name + b"\n" for name, digest in ordered)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def md5(path: Path) -> str:
    """Hexadecimal MD5 of a file's bytes: the name of a published JPEG, not a safeguard."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def lock(path: Path, *, timeout_s: float = 0) -> Iterator[None]:
    """Hold an exclusive lock; the system frees it when the process dies, so none goes stale."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(path)
        held.acquire(timeout=timeout_s)
    except Timeout as error:
        raise OutputError(
            f"{path}: another backlabel process holds this lock. Wait for it, or end it."
        ) from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be locked ({error.strerror})") from error
    try:
        yield
    finally:
        held.release()


def shared_root() -> Path:
    """Where caches and stores live: the main repository's root.

    DVC runs an experiment in a temporary checkout and names the main one in DVC_ROOT, so that
    the main checkout, `--temp` and queue runs share one place.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def shared_folder() -> Path:
    """The untracked folder below `shared_root` for the hash cache, locks and the spool."""
    return shared_root() / ".backlabel"
