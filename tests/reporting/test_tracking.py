"""One run per experiment in a real MLflow store."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context

import pytest
from mlflow.tracking import MlflowClient

from backlabel.reporting import direct, naming, places, spool, tracking
from backlabel.reporting.report import DataSet, Report

pytestmark = pytest.mark.slow

REPORT = Report(
    key="k1",
    name="first",
    params={"compare.top_k": "10"},
    metrics={"compare.labels.Films & Co": 3.0},
    curves={"sweep.rate": [(0, 0.0), (150, 1.0)]},
    tags={"a": "b"},
    artifacts=["plots/x.png"],
    description="36 of 48 originals matched",
    seconds=90.0,
    dataset=DataSet("labeled", "0" * 32, {"path": "labeled", "commit": "c"}, 3),
)


@pytest.fixture
def root(without_store, empty_store):
    shutil.copy(empty_store, without_store)
    return without_store


@pytest.fixture
def without_store(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/x.png").write_bytes(b"png")
    return tmp_path


def runs(name="e"):
    client = MlflowClient(places.tracking_uri())
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
    client = MlflowClient(places.tracking_uri())
    experiment = client.get_experiment_by_name("e").experiment_id
    client.create_run(experiment, tags={naming.KEY_TAG: "k1"})
    tracking.log(REPORT, "e", timeout_s=5)
    assert sorted(run.info.status for run in runs()) == ["FINISHED", "FINISHED"]


def test_what_a_run_holds(root):
    run_id = tracking.log(REPORT, "e", timeout_s=5)
    (run,) = runs()
    assert run.data.metrics["compare.labels.Films _ Co"] == 3
    assert run.info.artifact_uri.startswith((root / "mlartifacts").as_uri())
    assert (root / "mlartifacts" / run_id / "artifacts/plots/x.png").read_bytes() == b"png"
    history = MlflowClient(places.tracking_uri()).get_metric_history(run_id, "sweep.rate")
    assert {(point.step, point.value) for point in history} == {(0, 0.0), (150, 1.0)}


def test_run_says_who_made_it_what_came_out_and_how_long_it_took(root):
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "config", "user.name", "Ada"], check=True)
    tracking.log(REPORT, "e", timeout_s=5)
    (run,) = runs()
    assert run.data.tags["mlflow.user"] == "Ada"
    assert run.data.tags["mlflow.source.name"] == "backlabel"
    assert run.data.tags["mlflow.note.content"] == "36 of 48 originals matched"
    assert run.info.end_time - run.info.start_time == 90_000
    assert abs(run.info.end_time / 1000 - time.time()) < 60


def _log(number):
    return tracking.log(replace(REPORT, key=f"k{number % 2}"), "e", timeout_s=5)


def test_processes_share_a_store_that_does_not_exist_yet(without_store):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        ids = list(pool.map(_log, range(4)))
    assert len(set(ids)) == 2
    assert len(runs()) == 2


def test_away_is_told_and_the_report_is_kept(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing answers there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(tracking.TrackingAwayError, match=r"127\.0\.0\.1:9"):
        tracking.log(REPORT, "e", timeout_s=1)
    spool.keep(REPORT, "e")
    (root / "plots/x.png").unlink()  # the temporary checkout of an experiment is gone by then
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (run_id,), refused = tracking.log_spooled(timeout_s=5)
    assert refused == []
    assert (root / "mlartifacts" / run_id / "artifacts/plots/x.png").read_bytes() == b"png"
    assert tracking.log_spooled(timeout_s=5) == ([], [])


def test_a_report_without_data_set_and_with_files_from_elsewhere(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("calibration") / "y.png"
    elsewhere.write_bytes(b"png")
    spool.keep(replace(REPORT, dataset=None, artifacts=[str(elsewhere)]), "e")
    elsewhere.unlink()
    (run_id,), refused = tracking.log_spooled(timeout_s=5)
    assert refused == []
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
    assert naming.point_on_axis(threshold, value) == (axis, step)


def kept_naming(folder, artifact):
    """A kept report that names `artifact`, as whoever can write there could make it."""
    path = folder / "report.json"
    values = json.loads(path.read_text())
    values["report"]["artifacts"] = [artifact]
    path.write_text(json.dumps(values))


@pytest.mark.parametrize("artifact", ["{outside}", "../../../secret/x.png", "link/x.png", "x.png"])
def test_kept_report_uploads_nothing_from_elsewhere(root, tmp_path_factory, artifact):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret" / "x.png"
    for path in (secret, root / "secret/x.png"):
        path.parent.mkdir()
        path.write_bytes(b"secret")
    folder = spool.keep(REPORT, "e")
    (folder / "link").symlink_to(secret.parent)
    (folder / "x.png").symlink_to(secret)
    kept_naming(folder, artifact.format(outside=secret))
    told, refused = tracking.log_spooled(timeout_s=5)
    assert told == []
    assert "Nothing of it is logged" in refused[0]
    assert not list((root / "mlartifacts").rglob("x.png"))
    assert folder.exists()


def test_refused_report_does_not_hold_up_the_others(root):
    kept_naming(spool.keep(REPORT, "e"), "/etc/passwd")
    spool.keep(replace(REPORT, key="k2"), "e")
    told, refused = tracking.log_spooled(timeout_s=5)
    assert (len(told), len(refused)) == (1, 1)
    assert "is no file of that folder" in tracking.deliver(REPORT, "e", timeout_s=5)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"experiment": "e", "report": {"key": 1}}'])
def test_what_is_no_report_is_named_and_left(root, text):
    folder = spool.keep(REPORT, "e")
    (folder / "report.json").write_text(text)
    assert tracking.log_spooled(timeout_s=5) == (
        [],
        [f"{folder}: holds no report of backlabel. Delete it."],
    )


def test_folder_of_a_report_that_is_a_link_is_refused(root, tmp_path_factory):
    folder = spool.keep(REPORT, "e")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "kept"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    assert "is a link" in tracking.log_spooled(timeout_s=5)[1][0]


def half_made(path):
    """As MLflow leaves it when it is killed between its first tables and its first experiment."""
    path.unlink()
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT)")
        made.execute("CREATE TABLE metrics (key TEXT)")
    made.close()


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "tear",
    [
        half_made,
        cut,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no store"),
    ],
    ids=["half made", "cut", "empty", "another file"],
)
def test_torn_store_is_set_aside_and_made_anew(root, capsys, tear):
    path = root / "mlflow.db"
    tear(path)
    torn = path.read_bytes()
    tracking.log(replace(REPORT, key="k2"), "e", timeout_s=5)
    assert [run.data.tags[naming.KEY_TAG] for run in runs()] == ["k2"]
    assert (root / "mlflow.db.torn-1").read_bytes() == torn
    assert "mlflow.db: was torn" in capsys.readouterr().err


def test_store_with_runs_is_never_set_aside(root, capsys):
    tracking.log(REPORT, "e", timeout_s=5)
    tracking.log(replace(REPORT, key="k2"), "e", timeout_s=5)
    assert len(runs()) == 2
    assert "torn" not in capsys.readouterr().err
    assert not list(root.glob("*.torn*"))


def test_store_that_is_locked_by_another_is_left_alone(root):
    tracking.log(REPORT, "e", timeout_s=5)
    with sqlite3.connect(root / "mlflow.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "database is locked" in tracking.deliver(replace(REPORT, key="k2"), "e", timeout_s=1)
        other.rollback()
    other.close()
    assert len(tracking.log_spooled(timeout_s=5)[0]) == 1
    assert not list(root.glob("*.torn*"))


MAKE = "from backlabel.reporting import store; store.prepare()"


def test_store_killed_while_it_is_made_leaves_none(without_store):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", MAKE], env=environment) as making:
        while not list(without_store.glob(".partial-mlflow.db")):
            assert making.poll() is None
            time.sleep(0.005)
        time.sleep(0.2)
        making.send_signal(signal.SIGKILL)
    assert not (without_store / "mlflow.db").exists()
    tracking.log(REPORT, "e", timeout_s=5)
    assert len(runs()) == 1
    assert sorted(path.name for path in without_store.glob("*mlflow.db*")) == ["mlflow.db"]


def _out_of_space():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    return tracking.deliver(REPORT, "e", timeout_s=5)


def test_full_disk_keeps_the_report_and_leaves_no_store(without_store):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        told = pool.submit(_out_of_space).result()
    assert "MLflow is away" in told
    assert not (without_store / "mlflow.db").exists()
    assert len(tracking.log_spooled(timeout_s=5)[0]) == 1


def test_makers_of_mlflow_are_told_nothing(root):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DO_NOT_TRACK"] == "true"


def told(run):
    """All that MLflow says of a run but its id, its times and what follows from them."""
    client = MlflowClient(places.tracking_uri())
    inputs = [
        (one.dataset.to_dictionary(), sorted((tag.key, tag.value) for tag in one.tags))
        for one in run.inputs.dataset_inputs
    ]
    curves = {
        name: sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))
        for run_id in [run.info.run_id]
        for name in run.data.metrics
    }
    names = ("run_name", "status", "lifecycle_stage", "experiment_id", "user_id")
    return {
        "info": {name: getattr(run.info, name) for name in names},
        "seconds": round((run.info.end_time - run.info.start_time) / 1000),
        "artifacts": run.info.artifact_uri.replace(run.info.run_id, ""),
        "files": [item.path for item in client.list_artifacts(run.info.run_id, "plots")],
        "data": (run.data.params, run.data.metrics, curves),
        "tags": {name: text for name, text in run.data.tags.items() if name != naming.KEY_TAG},
        "inputs": inputs,
    }


@pytest.mark.parametrize("dataset", [REPORT.dataset, None], ids=["data set", "none"])
def test_a_run_written_directly_is_the_client_s_in_all_that_mlflow_tells(root, dataset):
    report = replace(REPORT, dataset=dataset, curves={"sweep.rate": [(150, 1.0), (0, 0.5)]})
    tracking.log(report, "e", timeout_s=5)
    assert direct.log(replace(report, key="k2"), "e") is not None
    by_client, by_hand = sorted(runs(), key=lambda run: run.data.tags[naming.KEY_TAG])
    assert told(by_hand) == told(by_client)
    assert by_hand.data.tags[naming.KEY_TAG] == "k2"


def test_this_mlflow_s_layout_is_known(root):
    """Else every experiment waits for MLflow's import: compare layouts, and add the revision."""
    with closing(sqlite3.connect(root / "mlflow.db")) as opened:
        (revision,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revision in direct.REVISIONS


def test_a_run_written_directly_is_found_by_its_key_and_goes_on_where_the_client_left_off(root):
    first = tracking.log(REPORT, "e", timeout_s=5)
    assert direct.log(replace(REPORT, name="again"), "e") == first
    second = direct.log(replace(REPORT, key="k2"), "e")
    assert tracking.log(replace(REPORT, key="k2"), "e", timeout_s=5) == second
    assert len(runs()) == 2


def test_what_is_not_as_expected_is_left_to_the_client(root, monkeypatch):
    assert direct.log(REPORT, "e") is None  # an experiment that is not there
    tracking.log(REPORT, "e", timeout_s=5)
    other = replace(REPORT, key="k2")
    assert direct.log(replace(other, metrics={"a": float("nan")}), "e") is None
    assert direct.log(replace(other, params={"a": "x" * 8001}), "e") is None
    assert direct.log(replace(other, artifacts=["plots/gone.png"]), "e") is None
    client = MlflowClient(places.tracking_uri())
    experiment = client.get_experiment_by_name("e").experiment_id
    client.create_run(experiment, tags={naming.KEY_TAG: "k2"})  # left by a kill
    assert direct.log(other, "e") is None
    with monkeypatch.context() as patch:
        patch.setattr(direct, "REVISIONS", frozenset({"another"}))
        assert direct.log(replace(REPORT, key="k3"), "e") is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert direct.log(replace(REPORT, key="k3"), "e") is None
