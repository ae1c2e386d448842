"""Experiments: overrides, queues, comparisons, and one MLflow run for each."""

from __future__ import annotations

import json
import time

import pytest
from mlflow.tracking import MlflowClient

from backlabel.storage import paths, tables
from backlabel.storage.rows import Labelled

pytestmark = pytest.mark.pipeline


def runs(clone, experiment="backlabel"):
    client = MlflowClient(f"sqlite:///{clone.path / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id]) if found else []


def experiments(clone):
    shown = json.loads(clone.run("dvc", "exp", "show", "--json").stdout)
    return [one for rev in shown for one in rev["experiments"] or []]


def wait_for_queue(clone):
    for _ in range(300):
        status = clone.run("dvc", "queue", "status").stdout
        if "Queued" not in status and "Running" not in status:
            return status
        time.sleep(1)
    raise AssertionError(f"the queue never ended:\n{status}")


def test_override_reaches_the_stages(experimented):
    assert "hamming_threshold: 140" in (experimented.path / "params.yaml").read_text()
    shown = experimented.run("dvc", "exp", "show", "--csv").stdout
    assert "stricter" in shown
    assert "140" in shown


def test_metrics_can_be_compared(experimented):
    diff = json.loads(experimented.run("dvc", "metrics", "diff", "--all", "--json").stdout)
    assert "metrics/compare.json" in json.dumps(diff)
    assert "params.yaml" in experimented.run("dvc", "params", "diff", "--json").stdout


def test_one_run_per_experiment_with_everything(experimented):
    found = runs(experimented)
    assert len(found) == 2
    run = next(run for run in found if run.info.run_name == "stricter")
    assert run.info.status == "FINISHED"
    assert run.data.params["compare.hamming_threshold"] == "140"
    committed = json.loads((experimented.path / "metrics/compare.json").read_text())
    assert run.data.metrics["compare.match_rate"] == pytest.approx(committed["match_rate"])
    assert run.data.metrics["hash.jpegs"] > 0
    assert run.data.metrics["label.labelled"] > 0
    assert run.data.tags["dvc.exp_name"] == "stricter"
    head = experimented.run("git", "rev-parse", "HEAD").stdout.strip()
    assert run.data.tags["mlflow.source.git.commit"] == head


def test_run_holds_the_sweep_as_curves(experimented):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    run = next(run for run in runs(experimented) if run.info.run_name == "stricter")
    name = "sweep.hamming_threshold.match_rate"
    points = client.get_metric_history(run.info.run_id, name)
    assert max(point.step for point in points) == 140
    by_step = {point.step: point.value for point in points}
    assert by_step[140] == run.data.metrics["compare.match_rate"]
    assert by_step[0] == 0


def test_run_holds_plots_and_data_set(experimented):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    run = next(run for run in runs(experimented) if run.info.run_name == "stricter")
    plots = {item.path for item in client.list_artifacts(run.info.run_id, "plots")}
    assert "plots/hamming_histogram.png" in plots
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.name == "labeled"
    assert run.data.tags["backlabel.labeled_sha256"].startswith(dataset.dataset.digest)


def test_run_is_found_from_a_manifest_and_back(experimented):
    """The manifest of the newest run; `experimented` made another run before."""
    rows = tables.read(experimented.path / paths.MANIFEST, Labelled)
    (key,) = {row.run_key for row in rows}
    (run,) = [run for run in runs(experimented) if run.data.tags["backlabel.run_key"] == key]
    assert run.info.run_name == "stricter"


def test_same_experiment_again_adds_no_run(experimented, tmp_path):
    clone = experimented.copy(tmp_path / "clone")
    # The store of the copy is its own: its location is found from DVC_ROOT.
    before = len(runs(clone))
    clone.run("dvc", "exp", "run", "--temp", "-S", "compare.hamming_threshold=140")
    clone.run("dvc", "exp", "apply", "stricter")
    clone.run("dvc", "repro")
    assert len(runs(clone)) == before


def test_wrong_scheme_stops_the_run(reproduced, tmp_path):
    clone = reproduced.copy(tmp_path / "clone")
    done = clone.run("dvc", "exp", "run", "-S", "labels=nffa", check=False)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    assert "labels=seed" in told
    assert "data/jpeg/" in told


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("+compare.hamming_treshold=140", "compare.hamming_treshold: is unknown"),
        ("compare.hamming_threshold=???", "compare.hamming_threshold"),
        ("compare.min_ssim=2", "compare.min_ssim"),
        ("compare.ssim_hamming_threshold=151", "lies above"),
        ("compare.n_tiff=100000", "compare.n_tiff"),
    ],
)
def test_wrong_parameter_is_refused_by_name(reproduced, tmp_path, override, complaint):
    clone = reproduced.copy(tmp_path / "clone")
    done = clone.run("dvc", "exp", "run", "-S", override, check=False)
    assert done.returncode != 0
    assert complaint in done.stdout + done.stderr


def test_queue_with_two_workers_on_a_fresh_store(pulled, tmp_path):
    clone = pulled.copy(tmp_path / "clone")
    assert not (clone.path / "mlflow.db").exists()
    clone.run("dvc", "exp", "run", "--queue", "-S", "compare.hamming_threshold=range(100,160,20)")
    clone.run("dvc", "queue", "start", "-j", "2")
    status = wait_for_queue(clone)
    assert status.count("Success") == 3, status
    found = runs(clone)
    thresholds = sorted(int(run.data.params["compare.hamming_threshold"]) for run in found)
    assert thresholds == [100, 120, 140]
    names = set(clone.run("dvc", "exp", "list", "--name-only").stdout.split())
    assert {run.info.run_name for run in found} == names
    assert not list(clone.path.glob("**/exps/**/mlflow.db"))


def test_mlflow_away_loses_nothing(reproduced, tmp_path):
    clone = reproduced.copy(tmp_path / "clone")
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}  # the discard port: nothing answers
    done = clone.run("dvc", "exp", "run", "-S", "compare.hamming_threshold=130", **away)
    assert "MLflow is away" in done.stdout + done.stderr
    assert (clone.path / "labeled" / "manifest.csv").exists()
    assert len(runs(clone)) == 1
    clone.run("python", "-m", "backlabel", "track", "--pending", PYTHONPATH="src")
    assert "130" in {run.data.params["compare.hamming_threshold"] for run in runs(clone)}
    assert not list((clone.path / ".backlabel/spool").iterdir())
