"""Stage track: what all stages wrote -> one MLflow run.

Only this stage knows MLflow. A stage that DVC restores from its cache logs nothing by itself; this
one runs whenever anything that it reports differs.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from backlabel import composing, config
from backlabel.report import writing
from backlabel.reporting import delivery, experiment
from backlabel.storage import paths
from backlabel.storage.files import write_json

TRACKED = Path("mlflow.json")


def main(params: config.Params) -> None:
    """Report the experiment to MLflow; if MLflow is away keep the report for the next time."""
    changed = composing.refuse_unsettled()
    report = experiment.report(params, experiment.metrics(), changed)
    writing.write(params, paths.REPORT)
    report = replace(report, artifacts=[*report.artifacts, str(paths.REPORT)])
    track = params.track
    told = delivery.deliver(report, track.experiment, timeout_s=track.timeout_s)
    sys.stderr.write(f"{told}\n")
    # No run id: the same experiment must give the same bytes on every machine.
    write_json(TRACKED, {"experiment": track.experiment, "key": report.key})
