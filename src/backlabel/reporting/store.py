"""MLflow's store at the repository's root: an SQLite file that appears whole, or not at all."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from backlabel.reporting.places import SCHEME, tracking_uri
from backlabel.storage.files import shared_root

_BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a file; left there it would be taken for the next file's."""
_TORN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def artifact_location() -> str | None:
    """Where artifacts of a local store lie; None for a server, which knows its own place.

    Left to itself MLflow would keep them below the folder that this process happens to run in,
    which for an experiment is deleted afterwards.
    """
    if not tracking_uri().startswith("sqlite:"):
        return None
    return (shared_root() / "mlartifacts").as_uri()


def prepare() -> None:
    """Make the store where there is none; what is left of one that was never finished is set aside.

    To be called by one process at a time. Raises SQLAlchemyError, sqlite3.Error or OSError where
    it cannot be made.
    """
    uri = tracking_uri()
    if not uri.startswith(SCHEME):
        return
    path = Path(uri.removeprefix(SCHEME))
    if path.exists() and _is_torn(path):
        sys.stderr.write(
            f"{path}: was torn when it was made or written; kept as {_set_aside(path)}, and a new "
            "one is made. `backlabel track` logs this experiment again.\n"
        )
    if not path.exists():
        _make(path)


def _is_torn(path: Path) -> bool:
    """Whether the store cannot be read, or was never finished: its first experiment comes last."""
    try:
        with closing(sqlite3.connect(path)) as store:
            if store.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return True
            table = "SELECT 1 FROM sqlite_master WHERE name = 'experiments'"
            if store.execute(table).fetchone() is None:
                return True
            return store.execute("SELECT 1 FROM experiments").fetchone() is None
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) in _TORN:
            return True
        raise


def _set_aside(path: Path) -> Path:
    """Give the file, and what SQLite keeps beside it, names that nothing has yet."""
    number = 1
    while (kept := path.with_name(f"{path.name}.torn-{number}")).exists():
        number += 1
    for suffix in ("", *_BESIDE):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
    return kept


def _make(path: Path) -> None:
    partial = path.with_name(f".partial-{path.name}")
    _remove(partial)
    try:
        create: Any = SqlAlchemyStore  # which has no types
        create(f"{SCHEME}{partial}", artifact_location()).engine.dispose()
        partial.replace(path)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
