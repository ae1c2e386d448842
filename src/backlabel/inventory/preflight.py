"""What `dvc add` would hang on, refuse, drop or change in a folder, in words for its owner."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backlabel.inventory.walking import PATH_MAX, Entry, walk
from backlabel.storage.tables import FileName


@dataclass(frozen=True)
class Finding:
    """One thing to put right before the folder is given to DVC, or only to know (`note`)."""

    path: FileName
    problem: str  # what is there, and what DVC or the hash stage would do
    advice: str
    note: bool = False


_SPECIAL = {
    "FIFO": (
        "a named pipe; DVC would wait for it for ever",
        "Delete it, or move it out of the data.",
    ),
    "socket": (
        "a socket of a program; DVC stops with an error",
        "End that program and delete the socket.",
    ),
    "device": (
        "a device and no file; DVC may wait for ever",
        "Move it out of the data.",
    ),
}
_HIDING = {
    ".dvcignore": "it tells DVC to leave files out, and nobody would notice",
    ".gitignore": "it may hide DVC's own notes from Git",
}
_REPOSITORIES = {".dvc", ".git"}
_PIPELINES = {"dvc.yaml", "dvc.lock"}
_DVC_FILE = "it belongs to another DVC project; DVC would take it for its own"
_ELSEWHERE = "Move it to another folder; the images may stay."


def check(root: Path, data_folders: Collection[Path] = ()) -> list[Finding]:
    """What DVC would not like below `root`, sorted by the bytes of the paths.

    Each of `data_folders` may be a link to a folder elsewhere. Nothing but folders is opened, and
    no link is followed but those into DVC's cache, which are data. Raises DataError where `root`
    is no folder that can be listed.
    """
    entries = [entry for entry in walk(root) if not _inside_a_repository(entry)]
    linked = [entry for entry in entries if _is_linked_folder(entry, data_folders)]
    found = [_about_linked_folder(entry) for entry in linked]
    found += [finding for entry in entries if entry not in linked for finding in _about(entry)]
    found += _same_elsewhere(entries)
    found += _empty_folders(entries)
    return sorted(found, key=lambda finding: (os.fsencode(finding.path), finding.problem))


def _about(entry: Entry) -> Iterator[Finding]:
    """What is wrong with one path by itself."""
    if _is_dvcs_own(entry):
        return
    if entry.fault:
        yield Finding(
            entry.path,
            f"it cannot be looked at ({entry.fault}); DVC stops with an error",
            "Ask its owner for the right to read it, or move it out of the data.",
        )
    elif entry.kind in _SPECIAL:
        yield Finding(entry.path, *_SPECIAL[entry.kind])
    elif entry.kind == "link":
        yield _about_link(entry)
    else:
        yield from _about_file_or_folder(entry)
    yield from _about_name(entry)


def _inside_a_repository(entry: Entry) -> bool:
    """Below a folder that has its own finding: one says enough."""
    return bool(_REPOSITORIES.intersection(entry.inside[:-1]))


def _is_dvcs_own(entry: Entry) -> bool:
    """What `dvc add data/tiff` itself writes into data/."""
    top = len(entry.inside) == 1 and entry.kind == "file"
    return top and (entry.name == ".gitignore" or entry.name.endswith(".dvc"))


def _is_linked_folder(entry: Entry, data_folders: Collection[Path]) -> bool:
    folders = {folder.absolute() for folder in data_folders}
    path = Path(entry.path)
    return entry.kind == "link" and path.absolute() in folders and path.is_dir()


def _about_linked_folder(entry: Entry) -> Finding:
    return Finding(
        entry.path,
        f"a link to {_target(entry)}, a folder; backlabel reads the images there, "
        "DVC neither keeps them nor, unless dvc.yaml names this link, sees that they change",
        "Nothing, if that is all right; `dvc import-url` lets DVC know where they are.",
        note=True,
    )


def _about_link(entry: Entry) -> Finding:
    problem = f"a link to {_target(entry)}"
    advice = "Delete the link, or put the file itself in its place."
    try:
        Path(entry.path).stat()
    except OSError:
        return Finding(
            entry.path, f"{problem}, which leads nowhere or in a circle; DVC stops", advice
        )
    if Path(entry.path).is_dir():
        return Finding(
            entry.path,
            f"{problem}, a folder; backlabel does not follow it, DVC leaves it out without a word",
            "Delete the link, or move the folder itself here.",
        )
    return Finding(
        entry.path,
        f"{problem}; DVC would keep a copy of that file in place of the link, "
        "and backlabel would pass it over",
        advice,
    )


def _target(entry: Entry) -> str:
    try:
        return ascii(str(Path(entry.path).readlink()))
    except OSError as error:
        return f"something that the system does not show ({error.strerror})"


def _about_file_or_folder(entry: Entry) -> Iterator[Finding]:
    name = entry.name
    if entry.kind == "folder" and name in _REPOSITORIES:
        yield Finding(
            entry.path,
            f"a {name[1:].upper()} repository inside the data; "
            "DVC leaves out the folder that holds it, without a word",
            "Move the folder .dvc or .git away; the images may stay.",
        )
    elif name in _HIDING:
        yield Finding(entry.path, _HIDING[name], _ELSEWHERE)
    elif entry.kind == "file" and (name in _PIPELINES or name.endswith(".dvc")):
        yield Finding(entry.path, _DVC_FILE, _ELSEWHERE)
    elif not _is_too_long(entry) and not _is_readable(entry):
        yield Finding(
            entry.path,
            "you may not read it; DVC stops with an error",
            "Ask its owner for the right to read it, or move it out of the data.",
        )


def _is_readable(entry: Entry) -> bool:
    needed = os.R_OK | os.X_OK if entry.kind == "folder" else os.R_OK
    return os.access(entry.path, needed)


def _is_too_long(entry: Entry) -> bool:
    # DVC opens absolute paths.
    return len(os.fsencode(Path(entry.path).absolute())) >= PATH_MAX


def _about_name(entry: Entry) -> Iterator[Finding]:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        yield Finding(
            entry.path,
            "its name is not valid UTF-8 (an older computer wrote it); DVC stops with an error",
            "Give it another name.",
        )
    if _is_too_long(entry):
        yield Finding(
            entry.path,
            "its path is longer than programs can open; DVC stops with an error",
            "Move it to a folder that is less deep, or shorten folder names.",
        )


def _same_elsewhere(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Paths that become one on a Mac or under Windows: one of them would be lost there."""
    alike: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        plain = unicodedata.normalize("NFC", "/".join(entry.inside)).casefold()
        alike[plain].append(entry)
    for group in alike.values():
        first, *others = sorted(group, key=lambda entry: os.fsencode(entry.path))
        for other in others:
            yield Finding(
                other.path,
                f"on a Mac or under Windows its name is the same as that of {first.path!a}; "
                "checked out there, one of them is lost",
                "Give one of them another name.",
            )


def _empty_folders(entries: Iterable[Entry]) -> Iterator[Finding]:
    inner = list(entries)
    parents = {entry.inside[:-1] for entry in inner}
    for entry in inner:
        if entry.kind != "folder" or entry.fault or entry.name in _REPOSITORIES:
            continue
        if entry.inside not in parents:
            yield Finding(
                entry.path,
                "an empty folder; DVC keeps files only",
                "Nothing, if that is all right.",
                note=True,
            )
