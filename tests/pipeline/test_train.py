"""The downstream example end to end, in a repository of its own."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import shutil
from collections import Counter

import pytest
import torch
from mlflow.tracking import MlflowClient

from clones import ROOT, Clone

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def published(reproduced, tmp_path_factory):
    """A clone that has pushed what its pipeline made, and tagged it."""
    clone = reproduced.copy(tmp_path_factory.mktemp("published") / "backlabel")
    clone.run("dvc", "push")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "-q", "--allow-empty", "-m", "Results")
    clone.run("git", "tag", "-a", "labeled@v0.1.0", "-m", "0.1.0")
    return clone


@pytest.fixture(scope="module")
def trained(published, tmp_path_factory):
    """What the example's README does."""
    example = Clone(tmp_path_factory.mktemp("downstream") / "train")
    example.environment["PYTHONPATH"] = str(ROOT / "src")  # stands for an installed backlabel
    shutil.copytree(ROOT / "examples/train", example.path)
    params = example.path / "params.yaml"  # a quarter of the work, and it learns all the same
    params.write_text(params.read_text().replace("pixels: 128", "pixels: 64"))
    example.run("git", "init", "-q")
    example.run("dvc", "init", "-q")
    example.run(
        *("dvc", "import", str(published.path), "labeled", "--rev", "labeled@v0.1.0"),
        *("--remote-config", f"url={published.path / 'sample-remote'}"),
    )
    example.run("dvc", "repro")
    return example


@pytest.fixture(scope="module")
def run(trained):
    client = MlflowClient(f"sqlite:///{trained.path / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("train").experiment_id])
    return found


def test_it_learns(trained, run):
    metrics = json.loads((trained.path / "metrics.json").read_text())
    assert metrics["accuracy_train"] > 0.8
    assert run.data.metrics == pytest.approx(metrics)
    assert run.info.status == "FINISHED"
    assert (trained.path / "model.pt").exists()


def test_it_says_how_sure_it_is(trained):
    metrics = json.loads((trained.path / "metrics.json").read_text())
    for name in ("train", "val", "test", "cv"):
        low, high = metrics[f"accuracy_{name}_low"], metrics[f"accuracy_{name}_high"]
        assert 0 <= low <= metrics[f"accuracy_{name}"] <= high <= 1
        assert low < high or name == "cv"  # groups that all fail give an interval of one point
    # Wilson's interval of one hit in one: 1 / (1 + z * z), with z of 95 %.
    with (trained.path / "labeled/manifest.csv").open(newline="") as file:
        counts = Counter(row["split"] for row in csv.DictReader(file))
    assert counts["val"] > 0
    assert counts["test"] > 0
    if counts["test"] == 1 and metrics["accuracy_test"] == 1:
        assert metrics["accuracy_test_low"] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)


def test_the_registered_model_names_the_version_of_the_set(trained, run):
    store = MlflowClient(f"sqlite:///{trained.path / 'mlflow.db'}")
    (model,) = store.search_model_versions("name = 'labelled-images'")
    assert model.run_id == run.info.run_id
    assert model.tags["backlabel.labeled_version"] == "labeled@v0.1.0"
    assert model.tags["backlabel.labeled_sha256"] == run.data.tags["backlabel.labeled_sha256"]


def test_nothing_is_left_to_do(trained):
    assert "up to date" in trained.run("dvc", "status").stdout


def test_the_run_names_the_labelled_set(published, trained, run):
    manifest = (published.path / "labeled/manifest.csv").read_bytes()
    digest = hashlib.sha256(manifest).hexdigest()
    assert run.data.tags["backlabel.labeled_sha256"] == digest
    (used,) = run.inputs.dataset_inputs
    assert "labeled@v0.1.0" in json.loads(used.dataset.source)["import"]
    made = MlflowClient(f"sqlite:///{published.path / 'mlflow.db'}")
    experiments = [made.get_experiment_by_name("backlabel").experiment_id]
    (origin,) = made.search_runs(experiments, f"tags.`backlabel.labeled_sha256` = '{digest}'")
    assert origin.inputs.dataset_inputs[0].dataset.digest == used.dataset.digest


def test_from_the_model_to_its_files(trained, run):
    told = trained.run("python", "which_data.py", run.info.run_id).stdout
    assert trained.run("python", "which_data.py", "models:/labelled-images/1").stdout == told
    lines = dict(reversed(line.split("  ", 1)) for line in told.splitlines())
    with (trained.path / "labeled/manifest.csv").open(newline="") as file:
        expected = [row["file"] for row in csv.DictReader(file) if row["split"] == "train"]
    assert list(lines) == expected
    for file, digest in lines.items():
        content = (trained.path / "labeled" / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest


def test_a_changed_file_stops_the_training(trained, tmp_path):
    example = trained.copy(tmp_path / "train")
    example.environment |= trained.environment
    victim = next((example.path / "labeled").rglob("*.tif"))
    content = victim.read_bytes()
    victim.unlink()  # it may be a link into DVC's cache
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = example.run("python", "train.py", check=False)
    assert done.returncode != 0
    assert "is not the file that was labelled" in done.stderr


@pytest.mark.parametrize(("images", "metrics"), [(1, 0), (2, 3)])
def test_there_are_no_more_folds_than_images_of_a_category(images, metrics):
    spec = importlib.util.spec_from_file_location("train", ROOT / "examples/train/train.py")
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    params = {"seed": 0, "folds": 5, "channels": 1, "epochs": 1, "batch_size": 8}
    targets = torch.arange(12).repeat(images)
    groups = [str(number) for number in range(len(targets))]
    pictures = torch.zeros(len(targets), 1, 16, 16)
    found = train.cross_validated(pictures, targets, groups, params | {"learning_rate": 0.01})
    assert len(found) == metrics
