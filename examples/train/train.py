"""Train a baseline classifier on the labelled set, on the CPU, and log it to MLflow.

The run carries the digest of the labelled set's manifest, which names every file by its own digest:
from a model one finds the exact files that it was trained on (`which_data.py`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import mlflow
import torch
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.tracking import MlflowClient
from ruamel.yaml import YAML
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

import backlabel

LABELLED = Path("labeled")
METRICS = Path("metrics.json")
MODEL = Path("model.pt")


def main() -> None:
    params = YAML(typ="safe", pure=True).load(Path("params.yaml").read_text(encoding="utf-8"))
    torch.manual_seed(params["seed"])
    parts = {name: load(name, params["pixels"]) for name in params["splits"]}
    model = network(params["channels"], len(parts["train"].classes))
    loss = fit(model, parts["train"], params)
    metrics = {"loss": loss} | {f"accuracy_{name}": accuracy(model, parts[name]) for name in parts}
    torch.save({"classes": parts["train"].classes, "weights": model.state_dict()}, MODEL)
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    log(params, metrics, parts["train"])


def load(split: str, pixels: int) -> backlabel.LabelledSet:
    """The files of a split as tensors (1, pixels, pixels), each held against its checksum."""

    def square(picture: Tensor) -> Tensor:
        shrunk = functional.adaptive_avg_pool2d(picture, pixels)
        return (shrunk - shrunk.mean()) / (shrunk.std() + 1e-6)

    return backlabel.load(LABELLED, split=split, checksum=True, transform=square)


def network(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4)),
        *(nn.Flatten(), nn.Linear(2 * channels * 16, classes)),
    )


def fit(model: nn.Module, data: backlabel.LabelledSet, params: dict[str, int | float]) -> float:
    """Mean loss of the last epoch. Rare categories weigh as much as common ones."""
    pictures, targets = as_tensors(data)
    weight = 1 / targets.bincount(minlength=len(data.classes)).clamp(min=1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=params["learning_rate"])
    order = torch.Generator().manual_seed(int(params["seed"]))
    losses = [0.0]
    for _ in range(int(params["epochs"])):
        losses = []
        for batch in torch.randperm(len(data), generator=order).split(int(params["batch_size"])):
            flips = [dim for dim in (2, 3) if torch.rand((), generator=order) < 1 / 2]
            loss = functional.cross_entropy(
                model(pictures[batch].flip(flips)), targets[batch], weight=weight
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    return sum(losses) / len(losses)


def as_tensors(data: backlabel.LabelledSet) -> tuple[Tensor, Tensor]:
    pictures, targets = next(iter(DataLoader(data, batch_size=len(data))))
    return pictures, targets


@torch.no_grad()
def accuracy(model: nn.Module, data: backlabel.LabelledSet) -> float:
    pictures, targets = as_tensors(data)
    return (model.eval()(pictures).argmax(dim=1) == targets).float().mean().item()


def log(params: dict, metrics: dict[str, float], data: backlabel.LabelledSet) -> None:
    """One MLflow run with parameters, metrics, the model, and the data set that it rests on."""
    if "MLFLOW_TRACKING_URI" not in os.environ:
        mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').resolve()}")
    if mlflow.get_experiment_by_name("train") is None:
        mlflow.create_experiment("train", Path("mlartifacts").resolve().as_uri())
    mlflow.set_experiment("train")
    with mlflow.start_run() as run:
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
        mlflow.set_tag("backlabel.labeled_sha256", data.digest)
        mlflow.log_artifact(MODEL)
        for file in ("manifest.csv", "README.md"):
            mlflow.log_artifact(LABELLED / file, "data")
        source = Path("labeled.dvc")
        told = source.read_text(encoding="utf-8") if source.exists() else ""
        entity = Dataset(
            name="labeled",
            digest=data.files_digest[:32],  # MLflow takes 36 characters
            source_type="dvc",
            source=json.dumps({"path": str(LABELLED), "import": told}),
            profile=json.dumps({"num_rows": len(data)}),
        )
        context = [InputTag("mlflow.data.context", "training")]
        MlflowClient().log_inputs(run.info.run_id, [DatasetInput(entity, context)])


if __name__ == "__main__":
    main()
