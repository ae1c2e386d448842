"""Reports that MLflow did not take, kept with their files until it does.

Each lies in a folder of its own below `.backlabel/spool`. Whoever can write there could name any
file in a report: nothing outside of the report's own folder is ever read for it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from backlabel.errors import DataError
from backlabel.reporting.report import Report
from backlabel.storage.files import shared_folder, write_json


@dataclass(frozen=True)
class Kept:
    """A kept report, and the experiment in MLflow that it is for."""

    experiment: str
    report: Report


def keep(report: Report, experiment: str) -> Path:
    """Keep a report with its files; returns its folder."""
    name = hashlib.sha256(f"{experiment}\n{report.key}".encode()).hexdigest()[:32]
    target = _folder() / name
    partial = Path(tempfile.mkdtemp(dir=_folder(), prefix=".partial-"))
    for artifact in report.artifacts:
        copy = partial / _kept_as(artifact)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact, copy)
    kept = replace(report, artifacts=[_kept_as(artifact) for artifact in report.artifacts])
    write_json(partial / "report.json", asdict(Kept(experiment, kept)))
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return target


def folders() -> list[Path]:
    """The folders of all kept reports."""
    return sorted(_folder().glob("[!.]*"))


def read(folder: Path) -> Kept:
    """The report kept in `folder`, with paths to its files.

    Raises DataError where it is no report, or names a file outside of its folder.
    """
    if folder.is_symlink():
        raise DataError(f"{folder}: is a link, and no report is read through one. Delete it.")
    try:
        kept = TypeAdapter(Kept).validate_json((folder / "report.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(f"{folder}: holds no report of backlabel. Delete it.") from error
    own = folder.resolve()
    artifacts = [own / artifact for artifact in kept.report.artifacts]
    outside = next(_leading_out(own, artifacts), None)
    if outside is not None:
        raise DataError(
            f"{folder}: its report names {outside}, which is no file of that folder. Nothing of it "
            "is logged. Delete the folder unless you know how that came about."
        )
    return replace(kept, report=replace(kept.report, artifacts=[*map(str, artifacts)]))


def _leading_out(folder: Path, artifacts: list[Path]) -> Iterator[Path]:
    """The files that lie elsewhere once every link is followed, or are no files."""
    for path in artifacts:
        resolved = path.resolve()
        if resolved != path or folder not in resolved.parents or not resolved.is_file():
            yield path


def remove(folder: Path) -> None:
    """Delete a report that has been logged."""
    shutil.rmtree(folder)


def _kept_as(artifact: str) -> str:
    """Where an artifact lies in its kept report, wherever it came from: as it will in its run."""
    path = Path(artifact)
    return str(Path(path.parent.name) / path.name)


def _folder() -> Path:
    folder = shared_folder() / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
