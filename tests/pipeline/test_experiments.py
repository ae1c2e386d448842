"""Experiments: overrides, queues, comparisons, and one MLflow run for each."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import time

import pytest
from mlflow.tracking import MlflowClient
from playwright.sync_api import expect

import chromium
from backlabel.storage import paths, tables
from backlabel.storage.rows import Labelled
from clones import ROOT

pytestmark = pytest.mark.pipeline


def runs(clone, experiment="backlabel"):
    client = MlflowClient(f"sqlite:///{clone.path / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id]) if found else []


def stricter(clone):
    return next(run for run in runs(clone) if run.data.tags.get("dvc.exp_name") == "stricter")


def edit(clone, path, old, new):
    text = (clone.path / path).read_text()
    assert old in text
    (clone.path / path).write_text(text.replace(old, new))


def refused(clone, *command):
    done = clone.run(*command, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def wait_for_queue(clone):
    for _ in range(100):
        status = clone.run("dvc", "queue", "status").stdout
        if "Queued" not in status and "Running" not in status:
            return status
        time.sleep(4)  # a look costs a second of a core that the experiments want
    raise AssertionError(f"the queue never ended:\n{status}")


def test_override_reaches_the_stages(experimented):
    assert "hamming_threshold: 10\n" in (experimented.path / "params.yaml").read_text()
    shown = experimented.run("dvc", "exp", "show", "--csv").stdout
    assert "stricter" in shown
    assert "10" in shown


def test_documented_table_has_ten_columns(experimented):
    text = (ROOT / "docs/experiments.md").read_text()
    (command,) = re.findall("^dvc exp show --drop .*$", text, re.MULTILINE)
    header, *rows = experimented.run(*shlex.split(command), "--csv").stdout.splitlines()
    assert header.split(",")[:3] == ["Experiment", "match_rate", "matched"]
    assert len(header.split(",")) == 10
    assert any(row.startswith("stricter,") for row in rows)


def test_metrics_can_be_compared(experimented):
    diff = json.loads(experimented.run("dvc", "metrics", "diff", "--all", "--json").stdout)
    assert "metrics/compare.json" in json.dumps(diff)
    assert "params.yaml" in experimented.run("dvc", "params", "diff", "--json").stdout


def test_one_run_per_experiment_with_everything(experimented):
    found = runs(experimented)
    assert len(found) == 2
    run = stricter(experimented)
    assert run.info.status == "FINISHED"
    assert run.info.run_name.startswith("hamming_threshold=10")
    assert run.info.end_time - run.info.start_time > 1000
    assert run.data.params["compare.hamming_threshold"] == "10"
    committed = json.loads((experimented.path / "metrics/compare.json").read_text())
    told = f"{committed['matched']} of {committed['tiffs']} originals matched"
    assert told in run.data.tags["mlflow.note.content"]
    assert run.data.metrics["match_rate"] == pytest.approx(committed["match_rate"])
    assert run.data.metrics["details/hash.jpegs"] > 0
    assert run.data.metrics["labelled"] > 0
    assert run.data.tags["dvc.exp_name"] == "stricter"
    head = experimented.run("git", "rev-parse", "HEAD").stdout.strip()
    assert run.data.tags["mlflow.source.git.commit"] == head


def test_run_holds_the_sweep_as_curves(experimented):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    run = stricter(experimented)
    name = "sweep/hamming_threshold.match_rate"
    points = client.get_metric_history(run.info.run_id, name)
    assert max(point.step for point in points) > 10
    by_step = {point.step: point.value for point in points}
    assert by_step[10] == run.data.metrics["match_rate"]
    assert by_step[0] < by_step[10]  # what is left was found by local features


@pytest.mark.browser
@pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed")
def test_plots_of_two_runs_are_overlaid_without_a_network(experimented, tmp_path):
    experimented.run("dvc", "plots", "diff", "HEAD", "stricter", "-o", str(tmp_path / "plots"))
    asked = []
    with chromium.opened(offline=True) as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "plots/index.html").as_uri())
        plots = page.locator("body > div")
        expect(page.locator("body > div svg")).to_have_count(plots.count())
        titles = "\n".join(plots.all_text_contents())
        assert "Best candidates by Hamming distance" in titles
        assert "What became of the TIFFs" in titles
        assert {"HEAD", "stricter"} <= set(page.locator("svg text").all_text_contents())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_run_holds_plots_and_data_set(experimented):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    run = stricter(experimented)
    plots = {item.path for item in client.list_artifacts(run.info.run_id, "plots")}
    assert "plots/hamming_histogram.csv" in plots
    assert "report.html" in {item.path for item in client.list_artifacts(run.info.run_id)}
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.name == "labeled"
    manifest = (experimented.path / paths.MANIFEST).read_bytes()
    assert run.data.tags["backlabel.labeled_sha256"] == hashlib.sha256(manifest).hexdigest()


def test_run_is_found_from_a_manifest_and_back(experimented):
    """The manifest of the newest run; `experimented` made another run before."""
    rows = tables.read(experimented.path / paths.MANIFEST, Labelled)
    (key,) = {row.run_key for row in rows}
    (run,) = [run for run in runs(experimented) if run.data.tags["backlabel.run_key"] == key]
    assert run.data.tags["dvc.exp_name"] == "stricter"


def test_same_experiment_again_adds_no_run(experimented, tmp_path):
    clone = experimented.copy(tmp_path / "clone")
    # The store of the copy is its own: its location is found from DVC_ROOT.
    before = len(runs(clone))
    clone.run("dvc", "exp", "run", "--temp", "-S", "compare.hamming_threshold=10")
    clone.run("dvc", "exp", "apply", "stricter")
    clone.run("dvc", "repro")
    assert len(runs(clone)) == before


def test_edit_of_params_is_neither_lost_nor_a_dead_end(committed, tmp_path):
    clone = committed.copy(tmp_path / "clone")
    edit(clone, "params.yaml", "hamming_threshold: 150", "hamming_threshold: 10")
    line = "compare.hamming_threshold: 150 in conf/, 10 in params.yaml"
    assert line in refused(clone, "dvc", "repro")
    assert line in refused(clone, "dvc", "exp", "run", "-S", "compare.min_margin=0.2")
    assert "hamming_threshold: 10\n" in (clone.path / "params.yaml").read_text()
    clone.run("backlabel", "compose")
    clone.run("dvc", "repro")
    assert clone.run("git", "status", "--short").stdout == ""


def test_edit_of_conf_is_not_passed_over(committed, tmp_path):
    clone = committed.copy(tmp_path / "clone")
    edit(clone, "conf/compare/default.yaml", "min_margin: 0.1", "min_margin: 0.2")
    line = "compare.min_margin: 0.2 in conf/, 0.1 in params.yaml"
    assert line in refused(clone, "dvc", "repro", "--force", "--single-item", "hash")
    assert line in refused(clone, "dvc", "exp", "run")
    clone.run("backlabel", "compose")
    clone.run("dvc", "repro", "compare")


def test_committed_experiment_becomes_what_the_next_one_starts_from(experimented, tmp_path):
    clone = experimented.copy(tmp_path / "clone")
    clone.run("dvc", "repro")
    clone.run("git", "commit", "-q", "-a", "-m", "Stricter")
    told = refused(clone, "dvc", "exp", "run", "-S", "label.split_seed=3")
    assert "compare.hamming_threshold: 150 in conf/, 10 in params.yaml" in told
    assert "backlabel adopt" in told
    clone.run("backlabel", "adopt")
    clone.run("dvc", "exp", "run", "-S", "label.split_seed=3", "label")
    params = (clone.path / "params.yaml").read_text()
    assert "hamming_threshold: 10\n" in params
    assert "split_seed: 3\n" in params


def test_parameter_without_effect_is_said_to_have_none(reproduced, tmp_path):
    clone = reproduced.copy(tmp_path / "clone")
    done = clone.run("dvc", "exp", "run", "-S", "compare.min_ssim=0.8", "compare")
    assert "compare.min_ssim has no effect: only compare.rule=ssim reads it" in done.stderr


def test_failed_experiment_says_how_to_go_back(committed, tmp_path):
    clone = committed.copy(tmp_path / "clone")
    told = refused(clone, "dvc", "exp", "run", "-S", "labels=nffa")
    assert "labels=seed" in told
    assert "data/jpeg/" in told
    assert "`backlabel compose && dvc repro` brings back" in told
    clone.run("bash", "-c", "backlabel compose && dvc repro")
    assert clone.run("git", "status", "--short").stdout == ""


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("compare.hamming_treshold=140", "did you mean compare.hamming_threshold?"),
        ("+compare.hamming_treshold=140", "did you mean compare.hamming_threshold?"),
        ("compare.hamming_threshold=lots", "compare.hamming_threshold: must be a whole number"),
    ],
    ids=["by Hydra", "new", "by value"],
)
def test_wrong_parameter_is_refused_by_name(committed, override, complaint):
    """By Hydra or by ours, before anything runs; tests/test_config.py has all values."""
    assert complaint in refused(committed, "dvc", "exp", "run", "-S", override)
    assert committed.run("git", "status", "--short").stdout == ""


def test_queue_with_two_workers_on_a_fresh_store(reproduced, tmp_path):
    clone = reproduced.copy(tmp_path / "clone")
    (clone.path / "mlflow.db").unlink()
    clone.run("dvc", "exp", "run", "--queue", "-S", "label.split_seed=range(1,3)")
    clone.run("dvc", "queue", "start", "-j", "2")
    status = wait_for_queue(clone)
    assert status.count("Success") == 2, status
    found = runs(clone)
    seeds = sorted(int(run.data.params["label.split_seed"]) for run in found)
    assert seeds == [1, 2]
    names = set(clone.run("dvc", "exp", "list", "--name-only").stdout.split())
    assert {run.data.tags["dvc.exp_name"] for run in found} == names
    assert not list(clone.path.glob("**/exps/**/mlflow.db"))


def test_mlflow_away_loses_nothing(reproduced, tmp_path):
    clone = reproduced.copy(tmp_path / "clone")
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}  # the discard port: nothing answers
    done = clone.run("dvc", "exp", "run", "-S", "label.split_seed=130", **away)
    assert "MLflow is away" in done.stdout + done.stderr
    assert (clone.path / "labeled" / "manifest.csv").exists()
    assert len(runs(clone)) == 1
    clone.run("python", "-m", "backlabel", "track", "--pending", PYTHONPATH="src")
    assert "130" in {run.data.params["label.split_seed"] for run in runs(clone)}
    assert not list((clone.path / ".backlabel/spool").iterdir())
