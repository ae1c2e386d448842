"""Does a labelled set hold exactly what its manifest says, byte for byte?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backlabel.errors import DataError, TableError, UnreadableImageError
from backlabel.labels import manifest
from backlabel.storage import names, tables
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
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    try:
        sums = manifest.read_sums(folder)
    except (OSError, ValueError) as error:
        return Report(len(found), [Finding(manifest.SUMS, f"cannot be read: {error}")])
    findings = [*_compared(found, sums, cluster), *_manifest_findings(folder, sums, cluster)]
    return Report(len(found), sorted(findings, key=lambda one: os.fsencode(one.file)))


def _compared(
    found: dict[str, Path], sums: dict[str, str], cluster: Cluster | None
) -> Iterator[Finding]:
    for file in sums.keys() - found.keys():
        yield Finding(file, "is missing")
    for file in found.keys() - sums.keys() - {manifest.SUMS}:
        yield Finding(file, "is not in the manifest")
    both = sorted(sums.keys() & found.keys())
    digests = _digests([found[file] for file in both], cluster)
    for file, digest in zip(both, digests, strict=True):
        if digest != sums[file]:
            yield Finding(file, "has other bytes than it was written with" if digest else _GONE)


_MAX_SECONDS = 600.0  # for one file, on a cluster: 60 GB of a slow disk
_GONE = "cannot be read as a file"
_OTHER = "has other bytes than it was labelled with"


def _digests(paths: Sequence[Path], cluster: Cluster | None) -> Iterator[str]:
    results = crew.map_copying(
        _digest, paths, max_seconds=_MAX_SECONDS, what="verify", cluster=cluster
    )
    return ("" if isinstance(one, UnreadableImageError) else one for one in results)


def _digest(path: Path) -> str:
    """Empty where there is no file to be read: that differs from every checksum.

    Raises UnreadableImageError where there is none at all, as a worker may see it of a cluster.
    """
    if not path.exists():
        raise UnreadableImageError("vanished", _GONE, str(path))
    if not path.is_file():  # a FIFO would be waited for without end
        return ""
    try:
        return sha256(path)
    except OSError:
        return ""


def _manifest_findings(
    folder: Path, sums: dict[str, str], cluster: Cluster | None
) -> Iterator[Finding]:
    """Where the checksums and the manifest disagree: one of the two was changed."""
    try:
        rows = tables.read(folder / manifest.CSV, Labelled)
    except TableError as error:
        yield Finding(manifest.CSV, f"cannot be read: {error}")
        return
    yield from _originals(folder, [row for row in rows if not row.stored], cluster)
    listed = {row.file: row.sha256 for row in rows if row.stored}
    for file, digest in listed.items():
        if sums.get(file) != digest:
            yield Finding(
                file, f"{manifest.SUMS} and {manifest.CSV} have different checksums for it"
            )
    for file in sums.keys() - listed.keys():
        if "/" in file:
            yield Finding(file, f"is in {manifest.SUMS}, but not in {manifest.CSV}")


def _originals(
    folder: Path, rows: Sequence[Labelled], cluster: Cluster | None
) -> Iterator[Finding]:
    """What differs of originals that the set only names: their paths begin beside its folder."""
    digests = _digests([folder.parent / row.TIFF_path for row in rows], cluster)
    for row, digest in zip(rows, digests, strict=True):
        if digest != row.sha256:
            yield Finding(row.TIFF_path, _OTHER if digest else _GONE)


def line(finding: Finding) -> str:
    """A finding as one line."""
    return f"{names.to_cell(finding.file)}: {finding.problem}"
