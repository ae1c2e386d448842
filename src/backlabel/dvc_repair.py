"""Puts right what a killed DVC leaves half-written, so that it runs again.

DVC 3.67 writes files in place: emptied first, filled as their text is made. `dvc.lock` is torn for
some 0.1 s after each stage, and DVC stops at a lock that is empty or cut. `.dvc/tmp/rwlock` is
empty for moments, and DVC stops at that too, as at one that names a process whose number another
has now. An empty `data.dvc` it takes for one that tracks nothing. Beside single files it leaves
copies that it was about to rename.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from dvc.config import Config
from dvc.exceptions import DvcException
from dvc.lock import LockError, make_lock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils import strictyaml

from backlabel import git
from backlabel.errors import ConfigError, OutputError
from backlabel.storage import paths
from backlabel.storage.files import atomic_write

LOCK = Path("dvc.lock")
_TMP = Path(".dvc/tmp")
TORN = _TMP / "dvc.lock.torn"
RWLOCK = _TMP / "rwlock"
_COPY = re.compile(r"\.[\w-]{22}\.tmp", re.ASCII)  # as dvc_objects.fs.utils.tmp_fname names them
_CLOCK_S = 1.0  # by which the clocks of processes and of files may differ
_CONFLICT = b"<<<<<<< "


def repair() -> list[str]:
    """Mend the repository at the current folder; returns what was done, as texts for people.

    Safe at any time: what is whole is left alone. Raises OutputError if DVC is at work, or if a
    file cannot be mended.
    """
    if not _TMP.parent.is_dir():
        raise ConfigError(f"{_TMP.parent}: not found. Run from the repository's root.")
    _TMP.mkdir(exist_ok=True)
    _refuse_without_git()
    with _held(_TMP / "lock"), _held(_TMP / "rwlock.lock"):
        return [*_repair_rwlock(), *_repair_lock(), *_repair_data(), *_remove_copies()]


def _refuse_without_git() -> None:
    """DVC stops where there is no Git repository, as in a downloaded archive, unless told."""
    if not _config()["core"].get("no_scm", False) and not git.has_repository():
        raise ConfigError(
            "This is no Git repository, and DVC wants one. Without Git: "
            "`dvc config --local core.no_scm true`, after which all but `dvc exp` works."
        )


def _config() -> Config:
    return Config(dvc_dir=str(_TMP.parent.resolve()))


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold one of DVC's own locks: who holds it is not in the middle of a write."""
    linked = _config()["core"].get("hardlink_lock", False)
    lock = make_lock(str(path), tmp_dir=str(_TMP), hardlink_lock=linked)
    try:
        lock.lock()
    except LockError as error:
        raise OutputError(f"{path}: DVC is at work here. Wait for it, or end it.") from error
    try:
        yield
    finally:
        lock.unlock()


def _repair_rwlock() -> Iterator[str]:
    """Remove DVC's list of who reads and writes what, if it is torn or names none that lives."""
    if not RWLOCK.exists():
        return
    try:
        listed = json.loads(RWLOCK.read_bytes())
    except ValueError:
        RWLOCK.unlink()
        yield f"{RWLOCK}: was torn; removed"
        return
    readers = [one for several in listed.get("read", {}).values() for one in several]
    pids = {one["pid"] for one in [*readers, *listed.get("write", {}).values()]}
    if pids and not any(_lives(pid, RWLOCK.stat().st_mtime) for pid in pids):
        RWLOCK.unlink()
        yield f"{RWLOCK}: was left by a killed process; removed"


def _lives(pid: int, seen: float) -> bool:
    """Whether the process that had `pid` at the time `seen` (seconds since 1970) still runs.

    To DVC every process with that number is the one: one that nobody has waited for yet, as in a
    container without an init, and one that came to the number later, as after a power cut.
    """
    try:
        process = psutil.Process(pid)
        state, started = process.status(), float(process.create_time())
    except psutil.NoSuchProcess:
        return False
    return state != psutil.STATUS_ZOMBIE and started <= seen + _CLOCK_S


def _repair_lock() -> Iterator[str]:
    """Put the committed lock in the place of a torn one; without one DVC makes it anew.

    What the stages had found is not lost with it: DVC restores it from its run cache.
    """
    if not LOCK.exists() or _is_readable(LOCK) or _CONFLICT in LOCK.read_bytes():
        return  # who merges decides; DVC names the conflict's line
    LOCK.replace(TORN)
    committed = git.committed(LOCK)
    if committed:
        with atomic_write(LOCK, "wb") as file:
            file.write(committed)
        if _is_readable(LOCK):
            yield f"{LOCK}: was torn (kept as {TORN}); as committed again"
            return
        LOCK.unlink()
    yield f"{LOCK}: was torn (kept as {TORN}); DVC will make it anew"


def _is_readable(lock: Path) -> bool:
    try:
        strictyaml.load(str(lock), COMPILED_LOCKFILE_SCHEMA)
    except DvcException:
        return False
    return True


def _repair_data() -> Iterator[str]:
    """Put the committed text in the place of an empty .dvc file; DVC then sees what is new."""
    for path in sorted(Path().glob("*.dvc")):
        if not path.is_file() or path.read_bytes().strip():
            continue
        committed = git.committed(path)
        if not committed:
            raise OutputError(
                f"{path}: is empty and was never committed. Make it anew: `dvc add {path.stem}`."
            )
        with atomic_write(path, "wb") as file:
            file.write(committed)
        yield f"{path}: was empty; as committed again"


def _remove_copies() -> Iterator[str]:
    """Remove copies that DVC was about to rename; those in its cache may be another process's."""
    for folder in (Path(), paths.CSV, paths.METRICS, paths.NAMES.parent):
        for path in sorted(folder.glob(".*.tmp")):
            if _COPY.fullmatch(path.name) and path.is_file():
                path.unlink()
                yield f"{path}: was left over; removed"
