"""The manifest of the labelled set: as CSV, as Parquet, and as checksums of all files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from backlabel.storage import names, tables
from backlabel.storage.files import PARTIAL, atomic_write, sha256
from backlabel.storage.rows import Labelled

CSV = "manifest.csv"
PARQUET = "manifest.parquet"
SUMS = "SHA256SUMS"
RULE, PERSON = "rule", "person"
_DIGEST = re.compile("[0-9a-f]{64}")


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


def write(folder: Path, rows: Sequence[Labelled]) -> None:
    """Write `rows` below `folder` as CSV and as Parquet; `seal` comes when all files are there."""
    from backlabel.storage import parquet  # noqa: PLC0415 - checksums are read without it

    tables.write(folder / CSV, Labelled, rows)
    with atomic_write(folder / PARQUET, "wb") as file:
        parquet.write(file, Labelled, rows)


def seal(folder: Path, rows: Sequence[Labelled]) -> None:
    """Write the checksums of all files below `folder`, which `sha256sum --check` reads."""
    digests = {row.file: row.sha256 for row in rows if row.stored}
    for path in folder.rglob("*"):
        file = path.relative_to(folder).as_posix()
        if path.name.startswith(PARTIAL):  # what a worker was killed over
            path.unlink()
        elif path.is_file() and file not in digests and file != SUMS:
            digests[file] = sha256(path)
    with atomic_write(folder / SUMS) as sums:
        sums.write(_sums_text(digests))


def _sums_text(digests: Mapping[str, str]) -> str:
    ordered = sorted(digests, key=os.fsencode)
    return "".join(f"{digests[file]}  {file}\n" for file in ordered)


def read_sums(folder: Path) -> dict[str, str]:
    """SHA-256 by path below `folder`. Raises ValueError for any other text than `seal` writes."""
    text = (folder / SUMS).read_bytes().decode()
    pairs = [line.partition("  ") for line in text.removesuffix("\n").split("\n")]
    digests = {file: digest for digest, _, file in pairs}
    if _sums_text(digests) != text or not all(map(_DIGEST.fullmatch, digests.values())):
        raise ValueError("not a sorted list of SHA-256 and path, one pair a line")
    return digests


def own_files(folder: Path) -> dict[str, str]:
    """SHA-256 by path of what an earlier run of any version wrote below `folder`."""
    try:
        return read_sums(folder) | {SUMS: sha256(folder / SUMS)}
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
