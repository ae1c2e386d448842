"""What labelled files are called. A name that was given once is kept: the ledger remembers it."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from backlabel.errors import SchemeError, TableError
from backlabel.storage import names, tables
from backlabel.storage.rows import Named

_MAX_NAME = 255  # bytes, on the file systems in use
_SUFFIXES = {".png": ".png", ".bmp": ".bmp"}  # of all others ".tif"
_SUFFIX = ".tif"
_SUFFIX_BYTES = 4  # of each
_DIGITS = (8, 16, 64)  # of a SHA-256, until a name is free
_MARK = "~"


@dataclass(frozen=True)
class Source:
    """An original that is to be labelled."""

    path: str
    category: str
    label: str


def read(path: Path) -> list[Named]:
    """The names given so far; none where there is no ledger yet.

    Raises TableError for a file that is named twice, or not as this program names files: people
    may edit the ledger, and Git may merge two.
    """
    if not path.exists():
        return []
    rows = tables.read(path, Named, remedy="Correct it by hand, or take it from Git.")
    taken: dict[str, Named] = {}
    for row in rows:
        other = taken.setdefault(_key(row.file), row)
        named = f"{path}: {names.to_cell(row.file)}"
        if other is not row:
            raise TableError(
                f"{named} is the name of {names.to_cell(row.TIFF_path)} and of "
                f"{names.to_cell(other.TIFF_path)}. Remove one of the two lines."
            )
        if not _is_safe(row.file):
            raise TableError(f"{named} is no <category>/<label>_<name>.tif. Remove the line.")
    return rows


def assign(sources: Sequence[Source], known: Iterable[Named]) -> tuple[list[str], list[Named]]:
    """The file of each source, and the ledger with the new ones added, in the order of paths.

    A source keeps the file that it has in `known`. A new one is called `<label>_<original name>`
    and ends with .tif, .png or .bmp; where that cannot be used as it is, or is taken, `~` and eight
    digits of the SHA-256 of the original path come before the ending. Among new ones the first by
    the bytes of its path takes the plain name.
    Names that differ only in letter case or Unicode form count as equal: some file systems take
    them for one. Entries of originals that are gone stay, so that their names come back with them.
    """
    ledger = sorted(set(known), key=_order)
    taken = {_key(row.file) for row in ledger}
    given: dict[tuple[str, str, str], str] = {}
    for row in ledger:
        category, _, name = row.file.partition("/")
        given.setdefault((row.TIFF_path, category, name.partition("_")[0]), row.file)
    for source in sorted(sources, key=lambda source: os.fsencode(source.path)):
        identity = (source.path, source.category, source.label)
        if identity not in given:
            given[identity] = _new_file(source, taken)
            taken.add(_key(given[identity]))
            ledger.append(Named(source.path, given[identity]))
    files = [given[source.path, source.category, source.label] for source in sources]
    return files, sorted(ledger, key=_order)


def _new_file(source: Source, taken: set[str]) -> str:
    if not _is_folder_name(source.category):
        raise SchemeError(
            f"category {source.category!r} cannot be the name of a folder: rename it in the scheme."
        )
    stem = f"{source.label}_{PurePosixPath(source.path).stem}"
    usable = _usable(stem)
    candidates = [_distinct(usable, source.path, digits) for digits in _DIGITS]
    if usable == stem:
        candidates.insert(0, stem)
    suffix = _SUFFIXES.get(PurePosixPath(source.path.rstrip()).suffix.lower(), _SUFFIX)
    files = (f"{source.category}/{name}{suffix}" for name in candidates)
    return next(file for file in files if _key(file) not in taken)


def _usable(stem: str) -> str:
    """`stem` without characters that break tools or file systems, short enough for a file name."""
    kept = "".join("_" if _breaks(char) else char for char in stem).rstrip(" .") or "_"
    room = _MAX_NAME - _SUFFIX_BYTES
    while len(kept.encode()) > room:
        kept = kept[:-1]
    return kept


def _breaks(char: str) -> bool:
    return char in '\\/:*?"<>|' or unicodedata.category(char) in {"Cc", "Cs", "Cf", "Zl", "Zp"}


def _distinct(name: str, path: str, count: int) -> str:
    digits = hashlib.sha256(os.fsencode(path)).hexdigest()[:count]
    room = _MAX_NAME - _SUFFIX_BYTES - len(_MARK) - count
    return f"{name.encode()[:room].decode(errors='ignore')}{_MARK}{digits}"


def _is_folder_name(category: str) -> bool:
    return _usable(category) == category and not category.startswith(".")


def _is_safe(file: str) -> bool:
    category, _, name = file.partition("/")
    stem, suffix = name[:-_SUFFIX_BYTES], name[-_SUFFIX_BYTES:]
    known = suffix in (_SUFFIX, *_SUFFIXES)
    return _is_folder_name(category) and known and bool(stem) and _usable(stem) == stem


def _key(file: str) -> str:
    folded = unicodedata.normalize("NFC", file).casefold()
    return unicodedata.normalize("NFC", folded)


def _order(row: Named) -> tuple[bytes, bytes]:
    return os.fsencode(row.TIFF_path), os.fsencode(row.file)
