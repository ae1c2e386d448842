"""Where compiled kernels are kept, and when they are loaded from there.

They lie below the user's cache folder, `~/.cache/backlabel/kernels` on Linux, in a folder named by
a digest of the kernels' sources and of the versions involved: all checkouts with equal sources
share one, and none loads what was made from others. `BACKLABEL_CACHE_DIR` names another folder than
`~/.cache/backlabel`.

Loading unpickles. So the folder must be the user's and writable by nobody else, nothing is loaded
from beside the sources or from the working folder, and no file is loaded whose content is not what
was written. Whatever is wrong costs time and one line of warning, never the run.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import platformdirs
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps

from backlabel.errors import OutputError
from backlabel.storage import files

VARIABLE = "BACKLABEL_CACHE_DIR"
"""Of the environment: the folder that holds `kernels`, instead of the user's cache folder."""
_SOURCES = Path(__file__).parent
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_DIGEST_BYTES = hashlib.sha256().digest_size
_warned: list[str] = []


class UnusableFolderError(Exception):
    """Why kernels can neither be loaded from the folder nor kept in it."""


class Kept(_Cache):
    """What numba asks for a compiled kernel, and gives one to: one file for one signature."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def cache_path(self) -> str:
        """The folder."""
        return str(self._path.parent)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled kernel; None if none was kept, or a damaged one, which is removed."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            warn(f"{self._path}: cannot be read ({error.strerror})")
            return None
        digest, pickled = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(pickled).digest() != digest:
            warn(f"{self._path}: is damaged, and compiled again")
            self.flush()
            return None
        # `refresh()`, which numba does here, is for compiling, and takes a quarter of a second.
        rtsys.initialize(target_context)
        parts = pickle.loads(pickled)  # noqa: S301 - in a folder of the user's, and whole
        return CompileResult._rebuild(target_context, *parts)  # type: ignore[no-untyped-call]

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled kernel, where that can be written."""
        pickled = dumps(data._reduce())  # type: ignore[no-untyped-call]
        try:
            with files.atomic_write(self._path, "wb") as file:
                file.write(hashlib.sha256(pickled).digest() + pickled)
        except OutputError as error:
            warn(str(error))

    def flush(self) -> None:
        """Remove the file."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            warn(f"{self._path}: cannot be removed ({error.strerror})")

    def enable(self) -> None:
        """Always enabled."""

    def disable(self) -> None:
        """Always enabled."""


def folder() -> Path:
    """The folder for kernels of these sources and versions, made if need be.

    Raises UnusableFolderError if it, or one of the two above it, is not the user's alone.
    """
    above = os.environ.get(VARIABLE) or platformdirs.user_cache_dir("backlabel")
    whole = Path(above, "kernels", _digest())
    if not whole.is_absolute():
        raise UnusableFolderError(f"{above}: is not an absolute path")
    try:
        whole.parents[2].mkdir(parents=True, exist_ok=True)
        for one in (whole.parents[1], whole.parent, whole):
            one.mkdir(mode=0o700, exist_ok=True)
            _refuse_others(one)
    except OSError as error:
        raise UnusableFolderError(
            f"{error.filename or whole}: cannot be made ({error.strerror})"
        ) from error
    return whole


def _refuse_others(one: Path) -> None:
    status = one.stat()
    if status.st_uid != os.geteuid():
        raise UnusableFolderError(f"{one}: belongs to another user")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise UnusableFolderError(f"{one}: others may write there (chmod go-w)")


@cache
def _digest() -> str:
    """Of all sources of kernels, and of the versions that code or its form depends on."""
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    versions = sys.version, numba.__version__, llvmlite.__version__, np.__version__
    digest.update(repr(versions).encode())
    return digest.hexdigest()[:32]


def warn(what: str) -> None:
    """Say on stderr why kernels take time; only the first reason in a process."""
    if not _warned:
        _warned.append(what)
        sys.stderr.write(f"backlabel: kernels are compiled again: {what}\n")
