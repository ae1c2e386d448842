"""What lies in a folder: images to read, what is passed over, and what cannot be reached."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backlabel.errors import DataError
from backlabel.inventory.content import Kind, kind_of_name, suffixes
from backlabel.inventory.files import Files, Listed
from backlabel.inventory.walking import PATH_MAX, Entry, walk
from backlabel.storage.rows import Passed


@dataclass(frozen=True)
class Inventory:
    """Every path but healthy folders exactly once, each list sorted by the bytes of the paths."""

    images: Files = field(default_factory=Files)
    skips: list[Passed] = field(default_factory=list)
    errors: list[Passed] = field(default_factory=list)


_JUNK = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_TOOL_FILES = {"dvc.yaml", "dvc.lock", "params.yaml", ".dvcignore", ".gitignore", ".gitattributes"}
_TOOL_FOLDERS = {".dvc", ".git"}
_PARTIAL = re.compile(r"\.(part|partial|crdownload|download|tmp|filepart)$", re.IGNORECASE)
_BACKUP = re.compile(r"(~|\.bak|\.old|\.orig)$", re.IGNORECASE)


def scan(root: Path, kinds: Collection[Kind] = ("jpeg", "tiff")) -> Inventory:
    """The inventory of `root`, deterministic. Images of other `kinds` are passed over.

    No link is followed but those to DVC's own cache, which are files here, and nothing but folders
    is opened. Raises DataError where `root` is no folder that can be listed.
    """
    skips: list[Passed] = []
    errors: list[Passed] = []
    images = Files(_placed(walk(root), skips, errors, kinds))
    return Inventory(images, sorted(skips, key=_by_path), sorted(errors, key=_by_path))


def _placed(
    entries: Iterable[Entry], skips: list[Passed], errors: list[Passed], kinds: Collection[Kind]
) -> Iterator[Listed]:
    """The images among `entries`, in their order; the others are added to where they belong."""
    for entry in entries:
        if entry.fault:
            errors.append(_passed(entry, entry.fault))
        elif entry.kind == "folder":
            continue
        elif reason := skip_reason(entry):
            skips.append(_passed(entry, reason))
        elif (kind := kind_of_name(entry.name)) is None:
            skips.append(_passed(entry, "not named like an image"))
        elif kind not in kinds:
            skips.append(_passed(entry, f"named like a {kind.upper()}"))
        elif len(os.fsencode(entry.path)) >= PATH_MAX:
            errors.append(_passed(entry, "path too long"))
        else:
            yield Listed(entry.path, kind)


def find(roots: Sequence[Path], kinds: Collection[Kind], category: str | None = None) -> Inventory:
    """The images of `kinds` below all of `roots`, or below their folders `category`.

    Raises DataError where there is no such folder, or no such image in any of them.
    """
    inside = [root / category for root in roots] if category is not None else list(roots)
    folders = [folder for folder in inside if folder.is_dir()] if category is not None else inside
    for folder in folders or inside:
        if not folder.is_dir():
            raise DataError(_no_folder(folder, roots, kinds, category))
    found = [scan(folder, kinds) for folder in folders]
    together = Inventory(
        images=found[0].images
        if len(found) == 1
        else Files(heapq.merge(*(one.images for one in found), key=_by_path)),
        skips=sorted((item for one in found for item in one.skips), key=_by_path),
        errors=sorted((item for one in found for item in one.errors), key=_by_path),
    )
    if not together.images:
        raise DataError(
            f"{', '.join(map(str, folders))}: no {_of(kinds)} found; looked for {_looked(kinds)} "
            f"(any case) in it and in all folders below it. {len(together.skips)} other files were "
            "passed over."
        )
    return together


def _no_folder(
    folder: Path, roots: Sequence[Path], kinds: Collection[Kind], category: str | None
) -> str:
    known = sorted({p.name for root in roots if root.is_dir() for p in root.iterdir()})
    there = f" {', '.join(map(str, roots))} holds {', '.join(known)}."
    return (
        f"{folder}: no such folder; looked for {_of(kinds)} images ({_looked(kinds)}) there."
        f"{there if category is not None and known else ''} "
        "Put or link the images there, or set data.jpeg and data.tiff."
    )


def _of(kinds: Collection[Kind]) -> str:
    return " or ".join(kind.upper() for kind in kinds)


def _looked(kinds: Collection[Kind]) -> str:
    return ", ".join(suffixes(kind) for kind in kinds)


def _by_path(one: Listed | Passed) -> bytes:
    return os.fsencode(one.path)


def _passed(entry: Entry, reason: str) -> Passed:
    return Passed(entry.path, kind="", reason=reason, detail="")


def skip_reason(entry: Entry) -> str:
    """Why an entry that is no folder is passed over whatever it is named; "" if it is not."""
    if entry.kind != "file":
        return {"link": "symbolic link"}.get(entry.kind, entry.kind)
    if _TOOL_FOLDERS.intersection(entry.inside[:-1]) or _is_tool_file(entry.name):
        return "file of DVC or Git"
    if entry.name.startswith("._") or "__MACOSX" in entry.inside[:-1]:
        return "AppleDouble"
    return _left_behind(entry.name) or ("hidden" if any(map(_is_hidden, entry.inside)) else "")


def _left_behind(name: str) -> str:
    if name.lower() in _JUNK or name.startswith("~$"):
        return "junk of a program"
    if _PARTIAL.search(name):
        return "partial download"
    return "backup" if _BACKUP.search(name) else ""


def _is_tool_file(name: str) -> bool:
    return name in _TOOL_FILES or name.endswith(".dvc")


def _is_hidden(name: str) -> bool:
    # Not "...tif": a name that begins with several dots is a slip of the pen, nothing is hidden.
    return name.startswith(".") and not name.startswith("..")
