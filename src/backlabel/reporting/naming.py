"""What MLflow calls things; without MLflow itself, which takes two seconds to import."""

from __future__ import annotations

import getpass
import json
import os
import re

from backlabel import git
from backlabel.reporting.report import DataSet, Report

KEY_TAG = "backlabel.key"
DATASET_TAG = ("mlflow.data.context", "labelled set")
DATASET_KIND = "dvc"


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


def tags(report: Report) -> dict[str, str]:
    """All tags of the run, with who ran it and with what as MLflow's UI shows it."""
    user = git.user()
    if not user:
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a number that the system has no name for
            user = str(os.getuid())
    about = {
        "mlflow.user": user,
        "mlflow.source.name": "backlabel",
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": report.description,
    }
    return {**about, **report.tags, KEY_TAG: report.key}


def source_of(dataset: DataSet) -> str:
    """Where the data set can be had, as MLflow keeps it."""
    return json.dumps(dataset.source)


def profile_of(dataset: DataSet) -> str:
    """How large the data set is, as MLflow keeps it."""
    return json.dumps({"num_rows": dataset.rows})
