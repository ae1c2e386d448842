"""A run written straight into MLflow's SQLite store, as MLflow's own client would write it.

Importing MLflow takes longer than a whole stage. So where the store at the repository's root is one
whose layout is known (by the revision that MLflow itself keeps in it), and has the experiment
already, the rows are written here, in one transaction. In every other case, and whenever anything
is not as expected, `log` says None and the client does the work. A test holds both together: what
is read back through MLflow must be the same.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from backlabel.reporting import naming, places
from backlabel.reporting.report import DataSet, Report

REVISIONS = frozenset({"dc11669786a5"})
"""Of MLflow's layout of a store, as `alembic_version` says: those that were compared with this."""
_PATIENCE_S = 60.0  # for another process that writes
_FIND_EXPERIMENT = (
    "SELECT experiment_id, artifact_location FROM experiments "
    "WHERE name = ? AND lifecycle_stage = 'active'"
)
_FIND_RUNS = (
    "SELECT runs.run_uuid, runs.status FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid "
    "WHERE runs.experiment_id = ? AND runs.lifecycle_stage = 'active' AND tags.key = ? "
    "AND tags.value = ?"
)
_RUN = (
    "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, "
    "status, start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) "
    "VALUES (?, ?, 'UNKNOWN', '', '', ?, 'FINISHED', ?, ?, '', 'active', ?, ?)"
)
_METRIC = "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES "
_LATEST = "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES "
_LONGEST = 8000  # characters of a tag or a parameter, MLflow's own limit


def log(report: Report, experiment: str) -> str | None:
    """The run's id, new or that of the finished run with the same key; None: ask the client.

    To be called by one process at a time.
    """
    path = places.local_store()
    if path is None or not path.is_file() or not _is_plain(report):
        return None
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)) as store:
            return _log(store, report, experiment)
    except (sqlite3.Error, OSError):  # the client will say what is wrong, if anything is
        return None


def _is_plain(report: Report) -> bool:
    """Whether all values are such that MLflow would neither change nor refuse them."""
    texts = [*report.params.values(), *naming.tags(report).values()]
    points = (value for line in report.curves.values() for _, value in line)
    return all(len(text) <= _LONGEST for text in texts) and all(
        math.isfinite(value) for value in (*report.metrics.values(), *points)
    )


@dataclass(frozen=True)
class _Place:
    """Where the runs of an experiment are."""

    experiment_id: int
    location: str
    folder: Path


def _place(store: sqlite3.Connection, experiment: str) -> _Place | None:
    """None where the store is not of a layout that is known, or lacks the experiment."""
    (revision,) = store.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    found = store.execute(_FIND_EXPERIMENT, (experiment,)).fetchall()
    if revision not in REVISIONS or len(found) != 1:
        return None
    experiment_id, location = found[0]
    folder = urlsplit(location)
    if folder.scheme != "file":
        return None
    return _Place(experiment_id, location, Path(unquote(folder.path)))


def _finished(store: sqlite3.Connection, experiment_id: int, key: str) -> list[str] | None:
    """The runs with `key`; None where one of them was not finished."""
    runs = store.execute(_FIND_RUNS, (experiment_id, naming.KEY_TAG, key)).fetchall()
    finished = [str(run) for run, status in runs if status == "FINISHED"]
    return finished if len(finished) == len(runs) else None


def _log(store: sqlite3.Connection, report: Report, experiment: str) -> str | None:
    place = _place(store, experiment)
    finished = _finished(store, place.experiment_id, report.key) if place else None
    if place is None or finished is None:
        return None
    if finished:
        return finished[0]
    run = uuid.uuid4().hex
    _copy(report, place.folder / run / "artifacts")
    store.execute("BEGIN IMMEDIATE")
    with store:
        _write(store, report, run, f"{place.location}/{run}/artifacts", place.experiment_id)
    return run


def _copy(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True)
    for artifact in map(Path, report.artifacts):
        target = folder / artifact.parent.name / artifact.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact, target)


def _write(
    store: sqlite3.Connection, report: Report, run: str, artifacts: str, experiment_id: int
) -> None:
    now = int(time.time() * 1000)
    tags = naming.tags(report) | {"mlflow.runName": report.name}
    started = now - round(1000 * report.seconds)
    user = tags["mlflow.user"]
    store.execute(_RUN, (run, report.name, user, started, now, artifacts, experiment_id))
    for table, values in (("tags", tags), ("params", _params(report))):
        store.executemany(
            f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)",  # noqa: S608 - one of two
            ((name, value, run) for name, value in values.items()),
        )
    metrics = list(_metrics(report))
    places_of_values = "(?, ?, ?, ?, ?, 0)"
    store.executemany(
        _METRIC + places_of_values, ((name, value, now, run, step) for name, step, value in metrics)
    )
    # In the order of the report, as the MLflow UI shows them: headlines first.
    latest: dict[str, tuple[int, float]] = {}
    for name, step, value in metrics:
        latest[name] = max(latest.get(name, (step, value)), (step, value))
    store.executemany(
        _LATEST + places_of_values,
        ((name, value, now, run, step) for name, (step, value) in latest.items()),
    )
    if report.dataset is not None:
        _add_dataset(store, report.dataset, run, experiment_id)


def _params(report: Report) -> dict[str, str]:
    return {naming.metric_name(name): value for name, value in report.params.items()}


def _metrics(report: Report) -> Iterator[tuple[str, int, float]]:
    """Name, step and value of each point."""
    for name, value in report.metrics.items():
        yield naming.metric_name(name), 0, value
    for name, points in report.curves.items():
        for step, value in points:
            yield naming.metric_name(name), step, value


def _add_dataset(store: sqlite3.Connection, dataset: DataSet, run: str, experiment_id: int) -> None:
    known = (experiment_id, dataset.name, dataset.digest)
    store.execute(
        "INSERT OR IGNORE INTO datasets (dataset_uuid, experiment_id, name, digest, "
        "dataset_source_type, dataset_source, dataset_profile) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            uuid.uuid4().hex,
            *known,
            naming.DATASET_KIND,
            naming.source_of(dataset),
            naming.profile_of(dataset),
        ),
    )
    (its_id,) = store.execute(
        "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
        known,
    ).fetchone()
    entry = uuid.uuid4().hex
    store.execute(
        "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, "
        "destination_id, step) VALUES (?, 'DATASET', ?, 'RUN', ?, 0)",
        (entry, its_id, run),
    )
    store.execute("INSERT INTO input_tags VALUES (?, ?, ?)", (entry, *naming.DATASET_TAG))
