"""The labelled files that a model was trained on: their checksums and paths.

    python which_data.py                              of the registry's newest version
    python which_data.py models:/labelled-images/1    of another
    python which_data.py <run id>                     of the model of an MLflow run

The lines are what `sha256sum --check` reads, run inside `labeled/`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient


def main(asked: str | None) -> None:
    if "MLFLOW_TRACKING_URI" not in os.environ:
        mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').resolve()}")
    run_id = run_of(asked)
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


def run_of(asked: str | None) -> str:
    """The run that made a version of the registered model, as its name says; or the run itself."""
    if asked is not None and not asked.startswith("models:/"):
        return asked
    name, _, number = (asked or "models:/labelled-images").removeprefix("models:/").partition("/")
    client = MlflowClient()
    versions = client.search_model_versions(f"name = '{name}'")
    found = [one for one in versions if number in ("", str(one.version))]
    if not found:
        sys.exit(
            f"{name}: MLflow's registry has no version {number} of this model".replace("  ", " ")
        )
    return str(max(found, key=lambda one: int(one.version)).run_id)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
