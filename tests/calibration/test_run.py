"""The command as a whole: its files, its run in MLflow, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from pictures import picture, save

from backlabel import config
from backlabel.calibration import run
from backlabel.errors import ConfigError
from backlabel.reporting import places, tracking

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PARAMS = config.load(ROOT / "params.yaml")
FILES = ("calibration.json", "calibration.png", "trials.csv")


def request(folder: Path, **changes: object) -> run.Request:
    asked = run.Request([folder], 0.99, Path("calibration"), None, 0, ("quality 90",), 1)
    return replace(asked, **changes)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Path:
    shutil.copy(empty_store, tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "tiffs/a.tif", picture(1))
    save(tmp_path / "tiffs/b.tif", picture(2))
    return tmp_path


def test_files_and_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.main(PARAMS, request(Path("tiffs")))
    found = json.loads((root / "calibration/calibration.json").read_text())
    assert set(found["recommended"]) == {
        "compare.min_explained",
        "compare.min_spoke",
        "compare.hamming_threshold",
        "compare.min_ssim",
    }
    explained = found["recommended"]["compare.min_explained"]
    # Two of two: Clopper-Pearson's lower end is 0.025 ** (1 / 2).
    assert explained["precision"] == {
        "hits": 2,
        "of": 2,
        "value": 1.0,
        "low": pytest.approx(0.158114),
        "high": 1.0,
    }
    assert (explained["reached"], explained["proven"]) == (True, False)
    assert found["kinds"]["quality 90"]["wrong_pairs"] == 0
    assert [len(one["sha256"]) for one in found["inputs"]] == [64, 64]
    assert found["pairs_to_prove"] == 368

    with (root / "calibration/trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["is_copy"], row["accepted"]) for row in rows] == [
        ("True", "True"),
        ("False", "False"),
    ] * 2

    shown = capsys.readouterr().out
    assert f"\nmin_explained: {explained['value']}\n" in shown
    assert "(0.1581-1.0000)" in shown

    client = MlflowClient(places.tracking_uri())
    experiment = client.get_experiment_by_name("backlabel-calibration")
    (logged,) = client.search_runs([experiment.experiment_id])
    assert logged.data.metrics["compare.min_explained.recommended"] == explained["value"]
    name = "curve.compare.min_explained_percent.recall"
    history = client.get_metric_history(logged.info.run_id, name)
    assert {point.step: point.value for point in history}[0] == 1.0
    kept = root / "mlartifacts" / logged.info.run_id / "artifacts/calibration"
    assert sorted(path.name for path in kept.iterdir()) == list(FILES)


def test_again_is_the_same_to_the_byte_and_without_mlflow_too(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.main(PARAMS, request(Path("tiffs")))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing answers there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run.main(PARAMS, request(Path("tiffs"), out=root / "again", workers=2))
    assert "MLflow is away" in capsys.readouterr().err
    for name in FILES:
        first, second = (root / folder / name for folder in ("calibration", "again"))
        assert first.read_bytes() == second.read_bytes()

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    tracking.log_spooled(timeout_s=5)
    client = MlflowClient(places.tracking_uri())
    experiment = client.get_experiment_by_name("backlabel-calibration")
    assert len(client.search_runs([experiment.experiment_id])) == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"precision": 0.0}, "--precision 0 must lie between"),
        ({"precision": 1.0}, "--precision 1 must lie between"),
        ({"precision": float("nan")}, "--precision nan must lie between"),
        ({"images": 0}, "--images 0 must be 1"),
        ({"seed": -1}, "--seed -1 must be 0"),
        ({"workers": -1}, "--workers -1 must be 0"),
        ({"kinds": ("quality 90", "torn")}, "--kinds: unknown: torn. There are: quality 100;"),
    ],
)
def test_what_cannot_be_asked(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        run.main(PARAMS, request(Path("never read"), **changes))


@pytest.mark.pipeline
def test_command_on_the_sample(reproduced, tmp_path: Path) -> None:
    clone = reproduced.copy(tmp_path / "clone")
    command = ["python", "-m", "backlabel", "calibrate"]
    options = ["--images", "3", "--workers", "2", "--precision", "0.9", "--kinds", "half size"]
    told = clone.run(*command, "data/tiff", *options, PYTHONPATH="src").stdout
    found = json.loads((clone.path / "calibration/calibration.json").read_text())
    assert (found["copies"], found["frames"], len(found["inputs"])) == (3, 3, 3)
    assert found["kinds"]["half size"]["wrong_pairs"] == 0
    assert "conf/compare/default.yaml:\nmin_explained: " in told

    refused = clone.run(*command, "nowhere", check=False, PYTHONPATH="src")
    assert (refused.returncode, refused.stderr) == (
        2,
        "backlabel: DataError: nowhere: no such folder. Name a folder that holds TIFFs.\n",
    )
