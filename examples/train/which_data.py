"""The labelled files that the model of an MLflow run was trained on: their checksums and paths.

    python which_data.py            the last run
    python which_data.py <run id>

The lines are what `sha256sum --check` reads, run inside `labeled/`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from pathlib import Path

import mlflow


def main(run_id: str | None) -> None:
    if "MLFLOW_TRACKING_URI" not in os.environ:
        mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').resolve()}")
    if run_id is None:
        run_id = mlflow.search_runs(experiment_names=["train"], output_format="list")[0].info.run_id
    run = mlflow.get_run(run_id)
    manifest = Path(
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="data/manifest.csv")
    )
    found = hashlib.sha256(manifest.read_bytes()).hexdigest()
    if found != run.data.tags["backlabel.labeled_sha256"]:
        sys.exit(f"the manifest of run {run_id} is not the one that it names")
    with manifest.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "train":
                sys.stdout.write(f"{row['sha256']}  {row['file']}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
