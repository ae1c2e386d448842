"""Does a labelled set hold exactly what its manifest says, byte for byte?"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from backlabel.errors import DataError, TableError, UnreadableImageError
from backlabel.labels import copies, manifest
from backlabel.storage import names, tables
from backlabel.storage.digests import Digests
from backlabel.storage.files import sha256
from backlabel.storage.rows import Labelled
from backlabel.workers import crew
from backlabel.workers.cluster import Cluster


@dataclass(frozen=True)
class Finding:
    """A path below the set, and what is wrong with it."""

    file: str
    problem: str


@dataclass(frozen=True)
class Report:
    """How many files were looked at, and all that differs."""

    files: int
    findings: list[Finding]


def verify(folder: Path, cluster: Cluster | None = None) -> Report:
    """Compare every file below `folder` with the checksums and the manifest.

    The workers of `cluster` read the files, or threads of this process where there is none.

    Raises DataError if there is no such folder, or if it is no labelled set.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Fetch it with `dvc pull`, or run the pipeline.")
    if not any((folder / name).is_file() for name in (manifest.SUMS, manifest.CSV)):
        raise DataError(
            f"{folder}: is no labelled set: it has neither {manifest.SUMS} nor {manifest.CSV}. The "
            "set that the pipeline makes is `labeled`."
        )
    try:
        sums = manifest.read_sums(folder)
    except (OSError, ValueError) as error:
        files = sum(1 for _ in copies.files_below(folder))
        return Report(files, [Finding(manifest.SUMS, f"cannot be read: {error}")])
    files, findings = _compared(folder, sums, cluster)
    findings += _manifest_findings(folder, sums, cluster)
    return Report(files, sorted(findings, key=lambda one: os.fsencode(one.file)))


def _compared(folder: Path, sums: Digests, cluster: Cluster | None) -> tuple[int, list[Finding]]:
    """The number of files, and what differs of them."""
    files, strange, seen = 0, [], np.zeros(len(sums), bool)

    def listed() -> Iterator[_File]:
        nonlocal files
        for path in copies.files_below(folder):
            files += 1
            file = path.relative_to(folder).as_posix()
            if expected := sums.get(file):
                seen[sums.number(file)] = True
                yield path, file, expected
            elif file != manifest.SUMS:
                strange.append(Finding(file, "is not in the manifest"))

    other = [*_differing(listed(), "has other bytes than it was written with", cluster)]
    missing = (Finding(file, "is missing") for file in itertools.compress(sums, ~seen))
    return files, [*strange, *other, *missing]


_File: TypeAlias = tuple[Path, str, str]
"""Where a file lies, what it is called, and the SHA-256 that it is to have."""
_MAX_SECONDS = 600.0  # for one file, on a cluster: 60 GB of a slow disk
_GONE = "cannot be read as a file"


def _differing(files: Iterable[_File], problem: str, cluster: Cluster | None) -> Iterator[Finding]:
    results = crew.map_copying(
        _digest, files, max_seconds=_MAX_SECONDS, what="verify", cluster=cluster
    )
    for (_, name, expected), digest in results:
        if digest != expected:
            is_there = digest and not isinstance(digest, UnreadableImageError)
            yield Finding(name, problem if is_there else _GONE)


def _digest(file: _File) -> str:
    """Empty where there is no file to be read: that differs from every checksum.

    Raises UnreadableImageError where there is none at all, as a worker may see it of a cluster.
    """
    path, *_ = file
    if not path.exists():
        raise UnreadableImageError("vanished", _GONE, str(path))
    if not path.is_file():  # a FIFO would be waited for without end
        return ""
    try:
        return sha256(path)
    except OSError:
        return ""


def _manifest_findings(folder: Path, sums: Digests, cluster: Cluster | None) -> list[Finding]:
    """Where the checksums and the manifest disagree: one of the two was changed.

    Of originals that the set only names, what differs of them: their paths begin beside its folder.
    """
    findings, listed, are_named = [], np.zeros(len(sums), bool), False
    table = folder / manifest.CSV
    try:
        for row in tables.rows(table, Labelled):
            are_named |= not row.stored
            expected = sums.get(row.file) if row.stored else row.sha256
            if expected != row.sha256:
                problem = f"{manifest.SUMS} and {manifest.CSV} have different checksums for it"
                findings.append(Finding(row.file, problem))
            if row.stored and expected:
                listed[sums.number(row.file)] = True
    except TableError as error:
        return [Finding(manifest.CSV, f"cannot be read: {error}")]
    if are_named:
        originals = (
            (folder.parent / row.TIFF_path, row.TIFF_path, row.sha256)
            for row in tables.rows(table, Labelled)
            if not row.stored
        )
        findings += _differing(originals, "has other bytes than it was labelled with", cluster)
    for file in itertools.compress(sums, ~listed):
        if "/" in file:
            findings.append(Finding(file, f"is in {manifest.SUMS}, but not in {manifest.CSV}"))
    return findings


def line(finding: Finding) -> str:
    """A finding as one line."""
    return f"{names.to_cell(finding.file)}: {finding.problem}"
