"""The manifest of the labelled set: as CSV, as Parquet, and as checksums of all files."""

from __future__ import annotations

import csv
import heapq
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from backlabel.labels import copies
from backlabel.storage import names, tables
from backlabel.storage.digests import Digests
from backlabel.storage.files import PARTIAL, atomic_write, sha256
from backlabel.storage.rows import Labelled

CSV = "manifest.csv"
PARQUET = "manifest.parquet"
SUMS = "SHA256SUMS"
RULE, PERSON = "rule", "person"
TOLD = (
    *("file", "category", "split", "group", "sha256", "pixel_size_nm"),
    *("TIFF_path", "bytes", "stored"),
)
_DIGITS = 64
_DIGEST = re.compile("[0-9a-f]{64}")
_NO_SUMS = "not a sorted list of SHA-256 and path, one pair a line"


def publishable(row: Labelled) -> Labelled:
    """The row without names of people and without folders, which are often called after people.

    The names of files stay: the labelled files bear them too.
    """
    return replace(
        row,
        TIFF_path=PurePosixPath(row.TIFF_path).name,
        JPEG_path=PurePosixPath(row.JPEG_path).name,
        runner_up_path=PurePosixPath(row.runner_up_path).name if row.runner_up_path else None,
        operator=None,
        reviewer=None,
        # What stands behind the colon is a person's sentence.
        reason=f"{row.reason.partition(':')[0]}." if row.decided_by == PERSON else row.reason,
    )


def write(folder: Path, rows: Iterable[Labelled]) -> None:
    """Write `rows`, sorted by `file`, below `folder` as CSV and as Parquet.

    `seal` comes when all files are there.
    """
    from backlabel.storage import parquet  # noqa: PLC0415 - checksums are read without it

    with atomic_write(folder / CSV) as text, atomic_write(folder / PARQUET, "wb") as file:
        text.write(tables.header(Labelled))
        ours, theirs = itertools.tee(rows)
        lines = map(text.write, tables.lines(Labelled, ours))
        parquet.write(file, Labelled, (row for row, _ in zip(theirs, lines, strict=True)))


def read(folder: Path) -> Sequence[Labelled]:
    """What the set's own words are made of: the columns `TOLD` of the manifest in `folder`."""
    from backlabel.storage import columns  # noqa: PLC0415 - as above

    return columns.read(folder / CSV, Labelled, TOLD)


def seal(folder: Path, rows: Sequence[Labelled]) -> None:
    """Write the checksums of all files below `folder`, which `sha256sum --check` reads.

    `rows` are those of its manifest.
    """
    from backlabel.storage import columns  # noqa: PLC0415 - as above

    told = zip(*(columns.values(rows, name) for name in ("file", "sha256", "stored")), strict=True)
    digests = Digests((file, digest) for file, digest, is_stored in told if is_stored)
    others = {}
    for path in copies.files_below(folder):
        file = path.relative_to(folder).as_posix()
        if path.name.startswith(PARTIAL):  # what a worker was killed over
            path.unlink()
        elif path.is_file() and file not in digests and file != SUMS:
            others[file] = sha256(path)
    pairs = heapq.merge(digests.items(), sorted(others.items(), key=_order), key=_order)
    with atomic_write(folder / SUMS) as sums:
        sums.writelines(f"{digest}  {file}\n" for file, digest in pairs)


def _order(pair: tuple[str, str]) -> bytes:
    return os.fsencode(pair[0])


def read_sums(folder: Path) -> Digests:
    """SHA-256 by path below `folder`. Raises ValueError for any other text than `seal` writes."""
    return Digests(_sums(folder))


def _sums(folder: Path) -> Iterator[tuple[str, str]]:
    before = b""
    with (folder / SUMS).open("rb") as lines:
        for line in lines:
            digest, file = line[:_DIGITS].decode(), line[_DIGITS + 2 : -1]
            is_one = line == f"{digest}  ".encode() + file + b"\n"
            if not (is_one and file > before and _DIGEST.fullmatch(digest)):
                raise ValueError(_NO_SUMS)
            yield file.decode(), digest
            before = file
    if not before:
        raise ValueError(_NO_SUMS)


def own_files(folder: Path) -> Mapping[str, str]:
    """SHA-256 by path of what an earlier run of any version wrote below `folder`."""
    try:
        return Digests(itertools.chain(_sums(folder), [(SUMS, sha256(folder / SUMS))]))
    except (OSError, ValueError):
        return _files_of_manifest(folder / CSV)


def _files_of_manifest(path: Path) -> dict[str, str]:
    """What a set that has no checksums says of itself; its columns may be another version's."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        digests = {names.from_cell(row["file"] or ""): row["sha256"] for row in rows}
    except (OSError, ValueError, KeyError, csv.Error):
        return {}
    return digests | {path.name: sha256(path)}
