"""What labelled files are called. A name that was given once is kept: the ledger remembers it."""

from __future__ import annotations

import hashlib
import heapq
import os
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import overload

from backlabel.errors import SchemeError, TableError
from backlabel.storage import columns, names, tables
from backlabel.storage.digests import Index
from backlabel.storage.rows import Named
from backlabel.storage.scratch import Shelf

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


class Ledger(Sequence[Named]):
    """Names that were given, in an order; they lie on the disk."""

    def __init__(self, rows: Iterable[Named] = ()) -> None:
        self._held = Shelf()
        for row in rows:
            self.add(row)

    def add(self, row: Named) -> None:
        """Have one more at the end."""
        self._held.append(b"\0".join(map(os.fsencode, (row.TIFF_path, row.file))))

    def __len__(self) -> int:
        return len(self._held)

    @overload
    def __getitem__(self, at: int) -> Named: ...
    @overload
    def __getitem__(self, at: slice) -> list[Named]: ...
    def __getitem__(self, at: int | slice) -> Named | list[Named]:
        if isinstance(at, slice):
            return [self[i] for i in range(len(self))[at]]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return Named(*map(os.fsdecode, self._held[at].split(b"\0")))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]


class _Keys:
    """Keys of files, at most `most` of them, as digests of 64 bits: sixteen bytes or more for each.

    That two keys share one, once in a million sets of ten million files, lengthens a name.
    """

    def __init__(self, most: int) -> None:
        self._size = 1 << (2 * most).bit_length()
        self._slots = array("Q", bytes(8 * self._size))

    def add(self, key: str) -> bool:
        """Whether it is new."""
        digest = int.from_bytes(hashlib.sha256(os.fsencode(key)).digest()[:8]) or 1
        at = digest % self._size
        while self._slots[at] not in (0, digest):
            at = (at + 1) % self._size
        is_new = self._slots[at] == 0
        self._slots[at] = digest
        return is_new


def read(path: Path) -> Ledger:
    """The names given so far; none where there is no ledger yet.

    Raises TableError for a file that is named twice, or not as this program names files: people
    may edit the ledger, and Git may merge two.
    """
    if not path.exists():
        return Ledger()
    ledger = Ledger(tables.rows(path, Named, remedy="Correct it by hand, or take it from Git."))
    taken = _Keys(len(ledger))
    for row in ledger:
        named = f"{path}: {names.to_cell(row.file)}"
        if not taken.add(_key(row.file)):
            _refuse_twice(row, ledger, named)
        if not _is_safe(row.file):
            raise TableError(f"{named} is no <category>/<label>_<name>.tif. Remove the line.")
    return ledger


def _refuse_twice(row: Named, ledger: Ledger, named: str) -> None:
    first, *others = [one for one in ledger if _key(one.file) == _key(row.file)]
    for other in others:
        raise TableError(
            f"{named} is the name of {names.to_cell(other.TIFF_path)} and of "
            f"{names.to_cell(first.TIFF_path)}. Remove one of the two lines."
        )


def assign(sources: Iterable[Source], count: int, known: Ledger) -> tuple[Ledger, Ledger]:
    """The names of `count` sources, and the ledger with the new ones added, in the order of paths.

    That is `known` itself, where it is in this order and none is new.
    The sources come in the order of their paths' bytes. One keeps the file that it has in `known`.
    A new one is called `<label>_<original name>` and ends with .tif, .png or .bmp; where that
    cannot be used as it is, or is taken, `~` and eight digits of the SHA-256 of the original path
    come before the ending. Among new ones the first takes the plain name.
    Names that differ only in letter case or Unicode form count as equal: some file systems take
    them for one. Entries of originals that are gone stay, so that their names come back with them.
    """
    order = columns.in_order(lambda: map(_order, known), len(known))
    ledger = known if isinstance(order, range) else Ledger(map(known.__getitem__, order))
    taken = _Keys(len(ledger) + count)

    def identities() -> Iterator[tuple[str, str, str]]:
        for row in ledger:
            taken.add(_key(row.file))
            yield row.identity

    index = Index(identities(), len(ledger))
    given, new = Ledger(), Ledger()
    for source in sources:
        identity = (source.path, source.category, source.label)
        rows = map(ledger.__getitem__, index.having_hash(identity))
        own = next((row for row in rows if row.identity == identity), None)
        if own is None:
            own = Named(source.path, _new_file(source, taken))
            new.add(own)
        given.add(own)
    return given, Ledger(heapq.merge(ledger, new, key=_order)) if new else ledger


def _new_file(source: Source, taken: _Keys) -> str:
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
    return next(file for file in files if taken.add(_key(file)))


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
