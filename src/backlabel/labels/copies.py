"""Labelled TIFFs are made from their originals, and a finished folder takes its place."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO

from backlabel import images
from backlabel.errors import OutputError
from backlabel.hashing.identity import is_linked_by_dvc
from backlabel.storage import names
from backlabel.storage.files import PARTIAL, sha256

_CHUNK = 1 << 20  # bytes
_FICLONE = 0x40049409  # linux/fs.h
_OLD = "-old"


class Link(StrEnum):
    """How the labelled file comes by the bytes of its original."""

    AUTO = "auto"
    """Blocks shared until one of the two is written to (reflink), where the file system can.

    Where DVC has made the original a hard link to its cache, one more of these.
    """
    COPY = "copy"
    """Blocks of its own."""
    HARDLINK = "hardlink"
    """One file under two names, where both lie on one file system: writing to one changes both."""


def make(
    source: Path, target: Path, *, link: Link, max_bytes: int, known: str | None = None
) -> str:
    """Make the new file `target` of the bytes of `source`; returns their SHA-256.

    Where `link` cannot be had, the bytes are copied. `known` is the digest, where the bytes are
    known: they are read then only to copy them. Raises UnreadableImageError if the source is gone,
    is no plain file or changes meanwhile, OutputError if the target cannot be written, or exists
    with other bytes. The target appears whole: a worker that is killed may have made it already,
    or leaves a file whose name starts with `PARTIAL`.
    """
    with images.opened(source, max_bytes=max_bytes) as original:
        return _make(original, source, target, link, known)


def _make(
    original: images.Source, source: Path, target: Path, link: Link, known: str | None
) -> str:
    partial = target.with_name(PARTIAL + secrets.token_hex(8))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = _filled(original, source, partial, link, known)
        if target.exists() and sha256(target) != digest:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        partial.replace(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be made from {names.to_cell(str(source))} ({error.strerror})."
        ) from error
    return digest


def _filled(
    original: images.Source, source: Path, partial: Path, link: Link, known: str | None
) -> str:
    """Make the new file `partial`; returns the SHA-256 of its bytes."""
    descriptor = original.descriptor
    if link is not Link.COPY and _linked(source, partial, original.status, link):
        return known or _digest(descriptor)
    with partial.open("xb") as writer:
        if link is Link.AUTO and _cloned(descriptor, writer):
            return known or _digest(descriptor)
        digest = _copied(descriptor, writer)
        writer.flush()
        os.fsync(writer.fileno())
        return digest


def stays(existing: Path, source: Path, target: Path, *, link: Link) -> bool:
    """Give the file `existing` the further name `target`, so that it stays what it is.

    False where it cannot have one, or is not what `link` asks for.
    """
    try:
        if not _is_as_asked(existing, source, link):
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(existing, target, follow_symlinks=False)
    except FileExistsError:  # by a worker that was killed
        return os.path.samestat(existing.lstat(), target.lstat())
    except OSError:  # no further names here, or too many: it is made anew
        return False
    return True


def _is_as_asked(existing: Path, source: Path, link: Link) -> bool:
    if existing.is_symlink() and images.file_at(existing) == existing:
        return False  # it leads elsewhere than to DVC's cache
    if link is Link.HARDLINK or source.is_symlink():
        return True  # by `cache.type` DVC puts copies in the place of links, and links of copies
    is_same = existing.samefile(source)
    return is_same if link is Link.AUTO and is_linked_by_dvc(source.stat()) else not is_same


def _linked(source: Path, target: Path, status: os.stat_result, link: Link) -> bool:
    """A hard link where these are asked for, or where DVC has linked the original to its cache.

    DVC would put the same link there after the stage; as it is, it does not read the file again.
    """
    if link is Link.HARDLINK or (link is Link.AUTO and is_linked_by_dvc(status)):
        return _hardlinked(source, target)
    return False


def _hardlinked(source: Path, target: Path) -> bool:
    try:
        target.hardlink_to(images.file_at(source))
    except OSError:  # another file system, one without hard links, or too many of them
        return False
    return True


def _cloned(descriptor: int, writer: IO[bytes]) -> bool:
    try:
        fcntl.ioctl(writer.fileno(), _FICLONE, descriptor)
    except OSError:  # another file system, or one that shares no blocks
        return False
    return True


def _copied(descriptor: int, writer: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(descriptor):
        digest.update(chunk)
        writer.write(chunk)
    return digest.hexdigest()


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(descriptor):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(descriptor: int) -> Iterator[bytes]:
    position = 0
    while chunk := os.pread(descriptor, _CHUNK, position):
        yield chunk
        position += len(chunk)


def recover(partial: Path, target: Path) -> None:
    """Clear what a killed run left of `partial`, after putting a folder it had set aside back."""
    old = _set_aside(partial)
    try:
        if old.exists() and not target.exists():
            old.replace(target)
        for left in (partial, old):
            if left.exists():
                shutil.rmtree(left)
    except OSError as error:
        raise OutputError(
            f"{error.filename or partial}: left by a run that was ended, cannot be removed "
            f"({error.strerror})."
        ) from error


def replace_folder(
    partial: Path,
    target: Path,
    own_files: Mapping[str, str],
    digest: Callable[[Path], str] = sha256,
) -> None:
    """Put the finished folder `partial` in the place of `target`.

    Raises OutputError if other than `own_files` lies there (see `refuse_foreign`): what this
    program did not write it does not remove. After a kill in between, `recover` puts the old
    folder back.
    """
    refuse_foreign(target, own_files, digest)
    old = _set_aside(partial)
    try:
        if target.exists():
            target.replace(old)
        partial.replace(target)
    except OSError as error:
        if old.exists():
            old.replace(target)
        raise OutputError(f"{target}: cannot be replaced ({error.strerror}).") from error
    shutil.rmtree(old, ignore_errors=True)  # what stays is cleared by the next run


def refuse_foreign(
    target: Path, own_files: Mapping[str, str], digest: Callable[[Path], str] = sha256
) -> None:
    """Raise OutputError if `target` is no folder, or holds what no run wrote.

    `own_files` has the SHA-256 of each path below `target` that an earlier run wrote.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise OutputError(f"{target}: is no folder of backlabel's. Move it away.")
    for path in files_below(target):
        written = own_files.get(path.relative_to(target).as_posix())
        if written is None or not path.is_file() or digest(path) != written:
            how = "was not written by backlabel" if written is None else "was changed by others"
            raise OutputError(
                f"{names.to_cell(str(path))}: {how}. Move it out of {target}, which is made anew "
                "by each run."
            )


def files_below(folder: Path) -> Iterator[Path]:
    """All that is no folder below `folder`, links to folders too, in an order."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in sorted([*files, *links]))


def _set_aside(partial: Path) -> Path:
    return partial.with_name(partial.name + _OLD)
