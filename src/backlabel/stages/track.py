"""Stage track: what all stages wrote -> one MLflow run.

Only this stage knows MLflow. A stage that DVC restores from its cache logs nothing by itself; this
one runs whenever anything that it reports differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from backlabel import composing, config
from backlabel.reporting import delivery, experiment
from backlabel.storage import paths
from backlabel.storage.files import write_json

TRACKED = Path("mlflow.json")


def main(params: config.Params) -> None:
    """Report the experiment to MLflow; if MLflow is away keep the report for the next time."""
    metrics = {stage: _read(paths.METRICS / f"{stage}.json") for stage in experiment.STAGES}
    changed = composing.refuse_unsettled()
    report = experiment.report(params, metrics, changed)
    track = params.track
    told = delivery.deliver(report, track.experiment, timeout_s=track.timeout_s)
    sys.stderr.write(f"{told}\n")
    # No run id: the same experiment must give the same bytes on every machine.
    write_json(TRACKED, {"experiment": track.experiment, "key": report.key})


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
