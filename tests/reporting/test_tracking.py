"""One run per experiment in a real MLflow store."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest
from mlflow.tracking import MlflowClient

from backlabel.reporting import tracking

REPORT = tracking.Report(
    key="k1",
    name="first",
    params={"compare.top_k": "10"},
    metrics={"compare.labels.Films & Co": 3.0},
    curves={"sweep.rate": [(0, 0.0), (150, 1.0)]},
    tags={"a": "b"},
    artifacts=["plots/x.png"],
    dataset=tracking.DataSet("labeled", "0" * 32, {"path": "labeled", "commit": "c"}, 3),
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/x.png").write_bytes(b"png")
    return tmp_path


def runs(name="e"):
    client = MlflowClient(tracking.tracking_uri())
    return client.search_runs([client.get_experiment_by_name(name).experiment_id])


def test_same_key_is_the_same_run(root):
    first = tracking.log(REPORT, "e", timeout_s=5)
    assert tracking.log(replace(REPORT, name="again"), "e", timeout_s=5) == first
    assert len(runs()) == 1


def test_other_key_is_another_run(root):
    tracking.log(REPORT, "e", timeout_s=5)
    tracking.log(replace(REPORT, key="k2"), "e", timeout_s=5)
    assert len(runs()) == 2


def test_run_left_unfinished_by_a_kill_is_replaced(root):
    tracking.log(replace(REPORT, key="k2"), "e", timeout_s=5)
    client = MlflowClient(tracking.tracking_uri())
    experiment = client.get_experiment_by_name("e").experiment_id
    client.create_run(experiment, tags={tracking.KEY_TAG: "k1"})
    tracking.log(REPORT, "e", timeout_s=5)
    assert sorted(run.info.status for run in runs()) == ["FINISHED", "FINISHED"]


def test_what_a_run_holds(root):
    run_id = tracking.log(REPORT, "e", timeout_s=5)
    (run,) = runs()
    assert run.data.metrics["compare.labels.Films _ Co"] == 3
    assert run.info.artifact_uri.startswith((root / "mlartifacts").as_uri())
    assert (root / "mlartifacts" / run_id / "artifacts/plots/x.png").read_bytes() == b"png"
    history = MlflowClient(tracking.tracking_uri()).get_metric_history(run_id, "sweep.rate")
    assert {(point.step, point.value) for point in history} == {(0, 0.0), (150, 1.0)}


def _log(number):
    return tracking.log(replace(REPORT, key=f"k{number % 2}"), "e", timeout_s=5)


def test_processes_share_a_store_that_does_not_exist_yet(root):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        ids = list(pool.map(_log, range(4)))
    assert len(set(ids)) == 2
    assert len(runs()) == 2


def test_away_is_told_and_the_report_is_kept(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing answers there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(tracking.TrackingAwayError, match=r"127\.0\.0\.1:9"):
        tracking.log(REPORT, "e", timeout_s=1)
    tracking.spool(REPORT, "e")
    (root / "plots/x.png").unlink()  # the temporary checkout of an experiment is gone by then
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (run_id,) = tracking.log_spooled(timeout_s=5)
    assert (root / "mlartifacts" / run_id / "artifacts/plots/x.png").read_bytes() == b"png"
    assert tracking.log_spooled(timeout_s=5) == []


def test_a_report_without_data_set_and_with_files_from_elsewhere(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("calibration") / "y.png"
    elsewhere.write_bytes(b"png")
    tracking.spool(replace(REPORT, dataset=None, artifacts=[str(elsewhere)]), "e")
    elsewhere.unlink()
    (run_id,) = tracking.log_spooled(timeout_s=5)
    (run,) = runs()
    assert run.inputs.dataset_inputs == []
    kept = root / "mlartifacts" / run_id / "artifacts" / elsewhere.parent.name / "y.png"
    assert kept.read_bytes() == b"png"


def test_what_was_kept_is_delivered_first(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing answers there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert "MLflow is away" in tracking.deliver(REPORT, "e", timeout_s=1)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "MLflow run" in tracking.deliver(replace(REPORT, key="k2"), "e", timeout_s=5)
    assert len(runs()) == 2


@pytest.mark.parametrize(
    ("threshold", "value", "axis", "step"),
    [
        ("compare.hamming_threshold", 150.0, "compare.hamming_threshold", 150),
        ("min_ssim", 0.58, "min_ssim_percent", 58),
    ],
)
def test_steps_are_whole(threshold, value, axis, step):
    assert tracking.point_on_axis(threshold, value) == (axis, step)
