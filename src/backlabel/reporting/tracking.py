"""MLflow: one finished experiment becomes one run, exactly once, wherever it ran."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import requests
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from backlabel.errors import BacklabelError
from backlabel.storage.files import lock, shared_folder, shared_root, write_json

KEY_TAG = "backlabel.key"
_LOCK_WAIT_S = 600.0
_MAX_BATCH = 1000  # metrics, the limit of MLflow's log_batch


@dataclass(frozen=True)
class DataSet:
    """The labelled set as MLflow records it; `digest` (36 characters at most) names its contents.

    `source` says where it can be had: the path in the repository and the Git commit.
    """

    name: str
    digest: str
    source: Mapping[str, str]
    rows: int


@dataclass(frozen=True)
class Report:
    """All that one experiment found. `curves` are points (step, value) by metric name.

    `key` is a digest of everything that the run rests on: equal keys are the same experiment.
    """

    key: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    curves: Mapping[str, Sequence[tuple[int, float]]]
    tags: Mapping[str, str]
    artifacts: Sequence[str]
    dataset: DataSet | None = None
    """None where the run rests on no labelled set."""


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
        with lock(shared_folder() / "mlflow.lock", timeout_s=_LOCK_WAIT_S):
            client = MlflowClient(tracking_uri())
            experiment_id = _experiment(client, experiment)
            return _finished(client, experiment_id, report) or _log(client, experiment_id, report)
    except (MlflowException, requests.RequestException, OSError) as error:
        raise TrackingAwayError(f"{tracking_uri()}: {error}") from error


def deliver(report: Report, experiment: str, *, timeout_s: int) -> str:
    """Log what was kept before and then `report`, or keep it where MLflow is away.

    Returns one text for people that says which.
    """
    try:
        log_spooled(timeout_s=timeout_s)
        run = log(report, experiment, timeout_s=timeout_s)
    except TrackingAwayError as error:
        kept = spool(report, experiment)
        return (
            f"MLflow is away: {error}\nThe report is kept in {kept}; the next run logs it, "
            "or `backlabel track --pending` does."
        )
    return f"MLflow run {run} in experiment {experiment!r}"


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the SQLite store at the main repository's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{shared_root() / 'mlflow.db'}"


def point_on_axis(threshold: str, value: float) -> tuple[str, int]:
    """A threshold's name in curves and its value as a step, which MLflow wants whole.

    Bits are whole already; shares and SSIM are shown in hundredths.
    """
    if threshold.endswith("hamming_threshold"):
        return threshold, round(value)
    return f"{threshold}_percent", round(100 * value)


def metric_name(name: str) -> str:
    """`name` in the characters that MLflow allows in names."""
    return re.sub(r"[^\w\-. /:]", "_", name, flags=re.ASCII)


def spool(report: Report, experiment: str) -> Path:
    """Keep a report that could not be logged, with its files, below the shared folder."""
    target = _spool_folder() / report.key
    partial = Path(tempfile.mkdtemp(dir=_spool_folder(), prefix=".partial-"))
    for artifact in report.artifacts:
        copy = partial / _kept_as(artifact)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact, copy)
    kept = replace(report, artifacts=[_kept_as(artifact) for artifact in report.artifacts])
    write_json(partial / "report.json", {"experiment": experiment, "report": asdict(kept)})
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return target


def log_spooled(*, timeout_s: int) -> list[str]:
    """Log what was kept; returns the ids of the runs. Raises TrackingAwayError."""
    runs = []
    for folder in sorted(_spool_folder().glob("[!.]*")):
        kept = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        values = kept["report"]
        artifacts = [str(folder / artifact) for artifact in values["artifacts"]]
        dataset = DataSet(**values["dataset"]) if values["dataset"] else None
        report = Report(**{**values, "dataset": dataset, "artifacts": artifacts})
        runs.append(log(report, kept["experiment"], timeout_s=timeout_s))
        shutil.rmtree(folder)
    return runs


def _kept_as(artifact: str) -> str:
    """Where an artifact lies in its kept report, wherever it came from: as it will in its run."""
    path = Path(artifact)
    return str(Path(path.parent.name) / path.name)


def _spool_folder() -> Path:
    folder = shared_folder() / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    local = tracking_uri().startswith("sqlite:")
    # Left to itself MLflow would keep artifacts below the folder that this process happens to run
    # in, which for an experiment is deleted afterwards. A server knows its own place.
    location = (shared_root() / "mlartifacts").as_uri() if local else None
    return str(client.create_experiment(name, artifact_location=location))


def _finished(client: MlflowClient, experiment_id: str, report: Report) -> str | None:
    """The id of the finished run with this key; unfinished ones, left by a kill, are deleted."""
    runs = client.search_runs([experiment_id], f"tags.`{KEY_TAG}` = '{report.key}'")
    finished = [run for run in runs if run.info.status == "FINISHED"]
    for run in runs:
        if run not in finished:
            client.delete_run(run.info.run_id)
    return str(finished[0].info.run_id) if finished else None


def _log(client: MlflowClient, experiment_id: str, report: Report) -> str:
    tags = {**report.tags, KEY_TAG: report.key}
    run_id = str(client.create_run(experiment_id, tags=tags, run_name=report.name).info.run_id)
    now = int(time.time() * 1000)
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
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _dataset(dataset: DataSet) -> DatasetInput:
    entity = Dataset(
        name=dataset.name,
        digest=dataset.digest,
        source_type="dvc",
        source=json.dumps(dataset.source),
        profile=json.dumps({"num_rows": dataset.rows}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "labelled set")])
