"""Where MLflow's store and its artifacts lie; without MLflow itself."""

from __future__ import annotations

import os
from pathlib import Path

from backlabel.storage.files import shared_folder, shared_root

SCHEME = "sqlite:///"


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the SQLite store at the main repository's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SCHEME}{shared_root() / 'mlflow.db'}"


def local_store() -> Path | None:
    """The file of an SQLite store; None for a server."""
    uri = tracking_uri()
    return Path(uri.removeprefix(SCHEME)) if uri.startswith(SCHEME) else None


def lock() -> Path:
    """The lock that whoever writes to the store holds."""
    return shared_folder() / "mlflow.lock"
