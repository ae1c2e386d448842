"""Stage track: what all stages wrote -> one MLflow run.

Only this stage knows MLflow. A stage that DVC restores from its cache logs nothing by itself; this
one runs whenever anything that it reports differs.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backlabel import __version__, config
from backlabel.reporting import tracking
from backlabel.storage import paths, tables
from backlabel.storage.files import sha256, write_json
from backlabel.storage.rows import SweepPoint

TRACKED = Path("mlflow.json")
_STAGES = ("hash", "compare", "label")
_DATA_DVC = Path("data.dvc")


def main(params: config.Params) -> None:
    """Report the experiment to MLflow; if MLflow is away keep the report for the next time."""
    report = build_report(params)
    track = params.track
    told = tracking.deliver(report, track.experiment, timeout_s=track.timeout_s)
    sys.stderr.write(f"{told}\n")
    # No run id: the same experiment must give the same bytes on every machine.
    write_json(TRACKED, {"experiment": params.track.experiment, "key": report.key})


def build_report(params: config.Params) -> tracking.Report:
    """All that the stages wrote, gathered from their files."""
    metrics = {
        f"{stage}.{name}": value
        for stage in _STAGES
        for name, value in flatten(_read_json(paths.METRICS / f"{stage}.json"))
    }
    mapping = paths.mapping_path(params.compare.n_tiff)
    sources = [paths.JPEG_HASHES, paths.TIFF_HASHES, mapping, paths.MANIFEST, paths.SWEEP]
    values = params.model_dump(mode="json")
    # The experiment too: what is kept while MLflow is away lies below its key.
    settled = [config.digest(params), params.track.experiment]
    key = _digest([settled, metrics, [sha256(source) for source in sources]])
    labelled = sha256(paths.MANIFEST)
    tags = _tags(labelled)
    return tracking.Report(
        key=key,
        name=os.environ.get("DVC_EXP_NAME") or f"repro-{key[:8]}",
        params={name: _text(value) for name, value in flatten_any(values)},
        metrics=metrics,
        curves=_curves(tables.read(paths.SWEEP, SweepPoint)),
        tags={name: value for name, value in tags.items() if value},
        artifacts=[
            *map(str, sorted(paths.PLOTS.glob("*.png"))),
            str(mapping),
            str(paths.SWEEP),
            str(config.PARAMS),
        ],
        dataset=tracking.DataSet(
            name="labeled",
            digest=labelled[:32],  # MLflow takes 36 characters
            source={"path": str(paths.LABELED), "commit": tags["mlflow.source.git.commit"]},
            rows=round(metrics["label.labelled"]),
        ),
    )


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of nested mappings by dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", float(value)


def flatten_any(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by dotted name; a list is a leaf."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten_any(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _curves(points: list[SweepPoint]) -> dict[str, list[tuple[int, float]]]:
    """Match rate, precision and recall over each threshold."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for point in points:
        axis, step = tracking.point_on_axis(point.threshold, point.value)
        for measure in ("match_rate", "precision", "recall"):
            value = getattr(point, measure)
            if value is not None:
                curves.setdefault(f"sweep.{axis}.{measure}", []).append((step, value))
    return curves


def _tags(labelled: str) -> dict[str, str]:
    return {
        "backlabel.version": __version__,
        "backlabel.labeled_sha256": labelled,
        "backlabel.run_key": _run_key(),
        "mlflow.source.git.commit": _git_commit(),
        "dvc.exp_name": os.environ.get("DVC_EXP_NAME", ""),
        "dvc.exp_baseline_rev": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "dvc.data_md5": _data_md5(),
    }


def _git_commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - Git is wherever PATH has it
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # no Git here: the run is still worth recording, without this tag
    return done.stdout.strip()


def _run_key() -> str:
    """The run's key as each row of the manifest gives it; empty where nothing was labelled."""
    with paths.MANIFEST.open(encoding="utf-8", newline="") as file:
        return next((row["run_key"] for row in csv.DictReader(file)), "")


def _data_md5() -> str:
    """DVC's digest of `data/`, where one .dvc file tracks the whole folder."""
    outs = config.read_yaml(_DATA_DVC).get("outs", [{}]) if _DATA_DVC.exists() else [{}]
    return str(outs[0].get("md5", ""))


def _read_json(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
