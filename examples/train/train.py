"""Train a baseline classifier on the labelled set, on the CPU, and log it to MLflow.

The run carries the digest of the labelled set's manifest, which names every file by its own digest:
from a model one finds the exact files that it was trained on (`which_data.py`).
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import mlflow
import numpy as np
import torch
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.tracking import MlflowClient
from ruamel.yaml import YAML
from scipy import stats
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

import backlabel

LABELLED = Path("labeled")
METRICS = Path("metrics.json")
MODEL = Path("model.pt")
REGISTERED = "labelled-images"
CONFIDENCE = 0.95
SPLITS = ("train", "val", "test")


def main() -> None:
    params = YAML(typ="safe", pure=True).load(Path("params.yaml").read_text(encoding="utf-8"))
    every = load(params["pixels"])
    pictures, targets = next(iter(DataLoader(every, batch_size=len(every))))
    in_split = {name: torch.tensor([item.split == name for item in every.items]) for name in SPLITS}
    train = in_split["train"]
    model, loss = fit(pictures[train], targets[train], len(every.classes), params)
    hits = predicted(model, pictures) == targets
    metrics = {"loss": loss, "share_of_largest_class": targets.bincount().max().item() / len(every)}
    for name, chosen in in_split.items():
        metrics |= with_wilson(f"accuracy_{name}", hits[chosen])
    metrics |= cross_validated(pictures, targets, groups(), params)
    torch.save({"classes": every.classes, "weights": model.state_dict()}, MODEL)
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    log(params, metrics, every)


def load(pixels: int) -> backlabel.LabelledSet:
    """All files as tensors (1, pixels, pixels), each held against its checksum."""

    def square(picture: Tensor) -> Tensor:
        shrunk = functional.adaptive_avg_pool2d(picture, pixels)
        return (shrunk - shrunk.mean()) / (shrunk.std() + 1e-6)

    return backlabel.load(LABELLED, checksum=True, transform=square)


def groups() -> list[str]:
    """The group of each file: images of one group look alike or come from one specimen."""
    with (LABELLED / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [row["group"] for row in csv.DictReader(file)]


def with_wilson(name: str, hits: Tensor) -> dict[str, float]:
    """The share of hits, and its Wilson interval; the images count as independent of each other."""
    if not len(hits):
        return {}
    found = stats.binomtest(int(hits.sum()), len(hits))
    low, high = found.proportion_ci(CONFIDENCE, method="wilson")
    return {name: found.statistic, f"{name}_low": float(low), f"{name}_high": float(high)}


def cross_validated(
    pictures: Tensor, targets: Tensor, group: list[str], params: dict[str, int | float]
) -> dict[str, float]:
    """Accuracy where each image is judged by a model that saw none of its group.

    The interval comes from drawing whole groups again: images of one group stand and fall together.
    Where no category has so many images as folds are asked for, there are as many folds as it has.
    """
    count = min(int(params["folds"]), int(targets.bincount().max()))
    if count == 1:
        return {}
    hits = torch.zeros(len(targets), dtype=torch.bool)
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=params["seed"])
    for train, held_out in folds.split(targets, targets, group):
        model, _ = fit(pictures[train], targets[train], int(targets.max()) + 1, params)
        hits[held_out] = predicted(model, pictures[held_out]) == targets[held_out]
    _, number = np.unique(group, return_inverse=True)
    of_group = np.bincount(number, hits), np.bincount(number)
    drawn = stats.bootstrap(
        of_group,
        lambda right, all_, axis: right.sum(axis=axis) / all_.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(params["seed"]),
    ).confidence_interval
    accuracy = hits.float().mean().item()
    return {
        "accuracy_cv": accuracy,
        "accuracy_cv_low": float(drawn.low),
        "accuracy_cv_high": float(drawn.high),
    }


def network(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4)),
        *(nn.Flatten(), nn.Linear(2 * channels * 16, classes)),
    )


def fit(
    pictures: Tensor, targets: Tensor, classes: int, params: dict[str, int | float]
) -> tuple[nn.Module, float]:
    """A model and the mean loss of its last epoch; all categories weigh the same."""
    torch.manual_seed(int(params["seed"]))
    model = network(int(params["channels"]), classes)
    weight = 1 / targets.bincount(minlength=classes).clamp(min=1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=params["learning_rate"])
    order = torch.Generator().manual_seed(int(params["seed"]))
    losses = [0.0]
    for _ in range(int(params["epochs"])):
        losses = []
        for batch in torch.randperm(len(targets), generator=order).split(int(params["batch_size"])):
            flips = [dim for dim in (2, 3) if torch.rand((), generator=order) < 1 / 2]
            loss = functional.cross_entropy(
                model(pictures[batch].flip(flips)), targets[batch], weight=weight
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    return model.eval(), sum(losses) / len(losses)


@torch.no_grad()
def predicted(model: nn.Module, pictures: Tensor) -> Tensor:
    return model(pictures).argmax(dim=1)


def log(params: dict, metrics: dict[str, float], data: backlabel.LabelledSet) -> None:
    """One MLflow run with parameters, metrics, the data set that it rests on, and the model.

    The model is a new version in MLflow's registry, which names the version of the labelled set.
    """
    if "MLFLOW_TRACKING_URI" not in os.environ:
        mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').resolve()}")
    if mlflow.get_experiment_by_name("train") is None:
        mlflow.create_experiment("train", Path("mlartifacts").resolve().as_uri())
    mlflow.set_experiment("train")
    tags = {"backlabel.labeled_sha256": data.digest, "backlabel.labeled_version": version(data)}
    with mlflow.start_run() as run:
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
        mlflow.set_tags(tags)
        mlflow.log_artifact(MODEL, "model")
        for file in ("manifest.csv", "README.md"):
            mlflow.log_artifact(LABELLED / file, "data")
        source = Path("labeled.dvc")
        entity = Dataset(
            name="labeled",
            digest=data.files_digest[:32],  # MLflow takes 36 characters
            source_type="dvc",
            source=json.dumps(
                {
                    "path": str(LABELLED),
                    "import": source.read_text(encoding="utf-8") if source.exists() else "",
                }
            ),
            profile=json.dumps({"num_rows": len(data)}),
        )
        context = [InputTag("mlflow.data.context", "training")]
        client = MlflowClient()
        client.log_inputs(run.info.run_id, [DatasetInput(entity, context)])
        register(client, run.info.run_id, tags)


def version(data: backlabel.LabelledSet) -> str:
    """How the labelled set was asked for, as labeled@v0.1.0; else its commit, else its digest."""
    source = Path("labeled.dvc")
    if not source.exists():
        return data.digest
    (imported,) = YAML(typ="safe", pure=True).load(source.read_text(encoding="utf-8"))["deps"]
    repository = imported["repo"]
    return str(repository.get("rev", repository["rev_lock"]))


def register(client: MlflowClient, run_id: str, tags: dict[str, str]) -> None:
    """The run's weights as the next version of the registered model."""
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        client.create_registered_model(REGISTERED)
    asked = tags["backlabel.labeled_version"]
    client.create_model_version(
        REGISTERED,
        f"runs:/{run_id}/model",
        run_id,
        tags=tags,
        description=f"Trained on split train of the labelled set, {asked}.",
    )


if __name__ == "__main__":
    main()
