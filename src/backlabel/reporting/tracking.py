"""MLflow: one finished experiment becomes one run, exactly once, wherever it ran."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

# MLflow reports what it is used for to its makers, from its import on, unless told otherwise.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from backlabel.errors import BacklabelError, DataError
from backlabel.reporting import naming, places, spool, store
from backlabel.reporting.naming import KEY_TAG, metric_name
from backlabel.reporting.report import DataSet, Report
from backlabel.storage.files import lock

_LOCK_WAIT_S = 600.0
_MAX_BATCH = 1000  # metrics, the limit of MLflow's log_batch
_AWAY = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError)
"""What MLflow raises where its server or its store cannot be used; that of `requests` is an
OSError."""


class TrackingAwayError(BacklabelError):
    """MLflow did not take the report; the text says why."""


def log(report: Report, experiment: str, *, timeout_s: int) -> str:
    """Log `report` unless a finished run has its key; returns the run's id.

    Raises TrackingAwayError if the store or server cannot be used.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout_s))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    try:
        # A fresh SQLite store breaks when two processes create it at once, and two workers with
        # the same key must see each other's run: one at a time.
        with lock(places.lock(), timeout_s=_LOCK_WAIT_S):
            store.prepare()
            client = MlflowClient(places.tracking_uri())
            experiment_id = _experiment(client, experiment)
            return _finished(client, experiment_id, report) or _log(client, experiment_id, report)
    except _AWAY as error:
        raise TrackingAwayError(f"{places.tracking_uri()}: {error}") from error


def experiment_id(experiment: str) -> str:
    """The id of an experiment in the store at the repository's root, both made where missing.

    Raises TrackingAwayError if the store cannot be used.
    """
    try:
        with lock(places.lock(), timeout_s=_LOCK_WAIT_S):
            store.prepare()
            return _experiment(MlflowClient(places.tracking_uri()), experiment)
    except _AWAY as error:
        raise TrackingAwayError(f"{places.tracking_uri()}: {error}") from error


def deliver(report: Report, experiment: str, *, timeout_s: int) -> str:
    """Log what was kept before and then `report`, or keep it where MLflow is away.

    Returns one text for people that says which.
    """
    try:
        refused = log_spooled(timeout_s=timeout_s)[1]
        run = log(report, experiment, timeout_s=timeout_s)
    except TrackingAwayError as error:
        kept = spool.keep(report, experiment)
        return (
            f"MLflow is away: {error}\nThe report is kept in {kept}; the next run logs it, "
            "or `backlabel track --pending` does."
        )
    return "\n".join(
        [*refused, f"MLflow run {run} in experiment {experiment!r}; `backlabel mlflow` shows it"]
    )


def log_spooled(*, timeout_s: int) -> tuple[list[str], list[str]]:
    """Log what was kept: the ids of the runs, and why reports were refused, which stay.

    Raises TrackingAwayError.
    """
    runs, refused = [], []
    for folder in spool.folders():
        try:
            kept = spool.read(folder)
        except DataError as error:
            refused.append(str(error))
            continue
        runs.append(log(kept.report, kept.experiment, timeout_s=timeout_s))
        spool.remove(folder)
    return runs, refused


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=store.artifact_location()))


def _finished(client: MlflowClient, experiment_id: str, report: Report) -> str | None:
    """The id of the finished run with this key; unfinished ones, left by a kill, are deleted."""
    runs = client.search_runs([experiment_id], _with_key(report.key))
    finished = [run for run in runs if run.info.status == "FINISHED"]
    for run in runs:
        if run not in finished:
            client.delete_run(run.info.run_id)
    return str(finished[0].info.run_id) if finished else None


def _with_key(key: str) -> str:
    return f"tags.`{KEY_TAG}` = '{key}'"


def _log(client: MlflowClient, experiment_id: str, report: Report) -> str:
    now = int(time.time() * 1000)
    run = client.create_run(
        experiment_id,
        start_time=now - round(1000 * report.seconds),
        tags=naming.tags(report),
        run_name=report.name,
    )
    run_id = str(run.info.run_id)
    metrics = [Metric(metric_name(name), value, now, 0) for name, value in report.metrics.items()]
    metrics += [
        Metric(metric_name(name), value, now, step)
        for name, points in report.curves.items()
        for step, value in points
    ]
    params = [Param(metric_name(name), value) for name, value in report.params.items()]
    client.log_batch(run_id, params=params)
    for start in range(0, len(metrics), _MAX_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_BATCH])
    if report.dataset is not None:
        client.log_inputs(run_id, [_dataset(report.dataset)])
    for artifact in report.artifacts:
        client.log_artifact(run_id, artifact, Path(artifact).parent.name)
    client.set_terminated(run_id, "FINISHED", end_time=now)
    return run_id


def _dataset(dataset: DataSet) -> DatasetInput:
    entity = Dataset(
        name=dataset.name,
        digest=dataset.digest,
        source_type=naming.DATASET_KIND,
        source=naming.source_of(dataset),
        profile=naming.profile_of(dataset),
    )
    return DatasetInput(entity, [InputTag(*naming.DATASET_TAG)])
