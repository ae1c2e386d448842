"""The labelled TIFFs: what they are called, and how they are copied byte for byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from backlabel import names
from backlabel.errors import DataError, OutputError

_MAX_NAME = 255  # bytes, on the file systems in use
_CHUNK = 1 << 20  # bytes
_SUFFIX = ".tif"


def target_names(sources: Sequence[tuple[str, str, str]]) -> list[PurePosixPath]:
    """The path below the labelled set for each (original path, category, label).

    `<category>/<label>_<original name>.tif`. Where the original name cannot be used as it is, or
    an earlier source (by the bytes of its path) has taken it, `~` and eight digits of the SHA-256
    of the original path follow the name. Names that differ only in letter case or in their Unicode
    form count as equal: some file systems take them for one.
    """
    order = sorted(range(len(sources)), key=lambda i: os.fsencode(sources[i][0]))
    taken: set[str] = set()
    targets: dict[int, PurePosixPath] = {}
    for i in order:
        path, category, label = sources[i]
        stem = f"{label}_{PurePosixPath(path).stem}"
        usable = _usable(stem)
        name = usable if usable == stem else _distinct(usable, path)
        if _key(category, name) in taken:
            name = _distinct(usable, path)
        taken.add(_key(category, name))
        targets[i] = PurePosixPath(category) / f"{name}{_SUFFIX}"
    return [targets[i] for i in range(len(sources))]


def copy(source: Path, target: Path) -> str:
    """Copy `source` to the new file `target`; returns the SHA-256 of the bytes copied.

    Raises DataError if the source cannot be read, OutputError if the target cannot be written.
    """
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        reader = source.open("rb")
    except OSError as error:
        raise DataError(
            f"{names.to_cell(str(source))}: cannot be read any more ({error.strerror}). "
            "Put it back, or run the hash stage again."
        ) from error
    with reader:
        try:
            with target.open("xb") as writer:
                while chunk := reader.read(_CHUNK):
                    digest.update(chunk)
                    writer.write(chunk)
                writer.flush()
                os.fsync(writer.fileno())
        except OSError as error:
            raise OutputError(
                f"{target}: cannot be copied from {names.to_cell(str(source))} ({error.strerror})."
            ) from error
    return digest.hexdigest()


def replace_folder(partial: Path, target: Path, own_files: Iterable[str]) -> None:
    """Put the finished folder `partial` in the place of `target`.

    `own_files` are the paths below `target` that an earlier run wrote. Raises OutputError if any
    other file lies there: what this program did not write it does not remove.
    """
    if target.exists():
        refuse_foreign(target, own_files)
        old = partial.with_name(partial.name + "-old")
        target.replace(old)
        partial.replace(target)
        shutil.rmtree(old)
    else:
        partial.replace(target)


def refuse_foreign(target: Path, own_files: Iterable[str]) -> None:
    """Raise OutputError if below `target` lies a file that is none of `own_files`."""
    own = set(own_files)
    for path in sorted(target.rglob("*")):
        if not path.is_dir() and path.relative_to(target).as_posix() not in own:
            raise OutputError(
                f"{names.to_cell(str(path))}: was not written by backlabel. Move it out of "
                f"{target}, which is made anew by each run."
            )


def _usable(stem: str) -> str:
    """`stem` without characters that break tools or file systems, short enough for a file name."""
    kept = "".join("_" if _breaks(char) else char for char in stem).rstrip(" .") or "_"
    room = _MAX_NAME - len(_SUFFIX.encode())
    while len(kept.encode()) > room:
        # Leave room for the digits that a shortened name gets.
        kept = kept.encode()[: room - 9].decode(errors="ignore")
    return kept


def _breaks(char: str) -> bool:
    return char in '\\/:*?"<>|' or unicodedata.category(char) in {"Cc", "Cs", "Cf", "Zl", "Zp"}


def _distinct(name: str, path: str) -> str:
    digits = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    room = _MAX_NAME - len(_SUFFIX.encode()) - 9
    return f"{name.encode()[:room].decode(errors='ignore')}~{digits}"


def _key(category: str, name: str) -> str:
    return unicodedata.normalize("NFC", f"{category}/{name}").casefold()
