"""Every path below a folder, without opening anything but folders.

No link is followed but those that DVC made to its own cache.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from backlabel.errors import DataError
from backlabel.inventory.links import cached_file

PATH_MAX = 4096  # bytes of a path that Linux opens, its closing NUL included

_Child: TypeAlias = tuple[str, str, str]
"""Name, kind and fault, as an `Entry` has them."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True)
class Entry:
    """One path. `fault` is the reason why the system would not show what it is or holds."""

    path: str  # begins with the root as it was given
    inside: tuple[str, ...]  # names from the root down, its own last
    kind: str
    """"file", "folder", "link", "FIFO", "socket", "device" or "unknown".

    A link into DVC's cache is a "file".
    """
    fault: str = ""

    @property
    def name(self) -> str:
        return self.inside[-1]


def walk(root: Path) -> Iterator[Entry]:
    """All entries below `root`, folders too; files come in the order of the bytes of their paths.

    `root` itself may be a link, as where data lie on another disk; below it only links into DVC's
    cache count as what they lead to.
    Raises DataError where `root` is no folder that can be listed.
    """
    _require_folder(root)
    try:
        opened: list[tuple[tuple[str, ...], Iterator[_Child]]] = [((), _children(root, ()))]
    except OSError as error:
        raise DataError(f"{root}: the folder cannot be listed ({error.strerror}).") from error
    while opened:
        inside, children = opened[-1]
        child = next(children, None)
        if child is None:
            opened.pop()
            continue
        name, kind, fault = child
        below = (*inside, name)
        if kind == "folder":
            try:
                opened.append((below, _children(root, below)))
            except OSError as error:
                fault = _fault(error)
        yield _followed(Entry(_join(root, below), below, kind, fault))


def _followed(entry: Entry) -> Entry:
    cached = cached_file(Path(entry.path)) if entry.kind == "link" else None
    return replace(entry, kind="file") if cached is not None and cached.is_file() else entry


def _require_folder(root: Path) -> None:
    if not root.exists():
        raise DataError(f"{root}: the folder is not there. Put the images into it, or `dvc pull`.")
    if not root.is_dir():
        raise DataError(f"{root}: a folder is needed here, this is something else.")


def _join(root: Path, inside: tuple[str, ...]) -> str:
    return "/".join(inside if str(root) == "." else (str(root).rstrip("/"), *inside))


def _children(root: Path, inside: tuple[str, ...]) -> Iterator[_Child]:
    """What a folder holds, in the order of the bytes of the paths of it and below it."""
    descriptor = _open_folder(root, inside)
    try:
        with os.scandir(descriptor) as entries:
            return map(_child, sorted(_line(*_described(one, descriptor)) for one in entries))
    finally:
        os.close(descriptor)


def _line(name: str, kind: str, fault: str) -> bytes:
    """A child as bytes, a third of the memory, which sort as the paths of it and below it do."""
    return b"\0".join(map(os.fsencode, (name + "/" * (kind == "folder"), kind, fault)))


def _child(line: bytes) -> _Child:
    name, kind, fault = map(os.fsdecode, line.split(b"\0"))
    return name.removesuffix("/"), kind, fault


def _open_folder(root: Path, inside: tuple[str, ...]) -> int:
    """A folder's descriptor; step by step where its path is longer than the system opens."""
    path = os.fsencode(_join(root, inside) or ".")
    if len(path) < PATH_MAX:
        return os.open(path, _FOLDER | (os.O_NOFOLLOW if inside else 0))
    descriptor = os.open(root, _FOLDER)
    for name in inside:
        try:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _described(entry: os.DirEntry[str], folder: int) -> _Child:
    # The folder's own listing says what each entry is; only odd file systems need a stat.
    if entry.is_symlink():
        return entry.name, "link", ""
    try:
        if entry.is_dir(follow_symlinks=False):
            return entry.name, "folder", ""
        if entry.is_file(follow_symlinks=False):
            return entry.name, "file", ""
        mode = os.stat(entry.name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError as error:
        return entry.name, "unknown", _fault(error)
    return entry.name, _KINDS.get(stat.S_IFMT(mode), "device"), ""


def _fault(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission"
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        return "vanished"
    return f"disk error: {error.strerror}"
