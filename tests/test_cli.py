"""What the command line says when something is in the way."""

from __future__ import annotations

import socket
import subprocess

import pytest

import workspace
from backlabel import cli, commands, composing
from backlabel.composing import Difference
from backlabel.errors import UnreadableImageError
from backlabel.storage import paths


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with two pairs, in which nothing has run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    workspace.make(tmp_path, [("a/x.tif", "L1", 1), ("b/y.tif", "L9", 2)])
    return tmp_path


def test_used_port_is_named_with_the_way_to_another(root):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, told = workspace.run(root, "mlflow", "--port", str(port))
    assert status == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in told
    assert "--port" in told
    assert "backlabel mlflow --port " in told
    assert "Traceback" not in told


def test_make_hands_the_port_on():
    made = ["make", "-n", "-o", "install", "mlflow"]
    done = subprocess.run([*made, "PORT=5001"], cwd=workspace.ROOT, capture_output=True, text=True)
    assert "backlabel mlflow --port 5001" in done.stdout
    done = subprocess.run(made, cwd=workspace.ROOT, capture_output=True, text=True)
    assert "backlabel mlflow \n" in done.stdout


def test_stage_ends_with_lines_for_people_and_says_them_again(root):
    status, told = workspace.run(root, "hash")
    assert status == 0
    assert "hash: 2 originals and 2 copies hashed" in told
    assert "hash: 2 originals and 2 copies hashed" in workspace.run(root, "summary")[1]


def test_stage_by_hand_refuses_parameters_that_are_not_those_of_conf(root):
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(text.replace("top_k: 10", "top_k: 7"))
    status, told = workspace.run(root, "hash")
    assert status == 2
    assert "compare.top_k: 10 in conf/, 7 in params.yaml" in told
    assert not (root / paths.CSV).exists()


def test_composing_says_what_changed_and_what_has_no_effect(root, capsys):
    path = root / "conf/compare/default.yaml"
    path.write_text(path.read_text().replace("min_ssim: 0.7", "min_ssim: 0.8"))
    assert cli.main(["compose"]) == 0
    told = capsys.readouterr()
    assert told.out == "compare.min_ssim: 0.8 (was 0.7)\n"
    assert "compare.min_ssim has no effect: only compare.rule=ssim reads it" in told.err


def test_way_back_is_part_of_an_error_under_an_experiments_parameters(root, monkeypatch, capsys):
    def refuse():
        with commands._way_back([Difference("labels.name", "seed", "nffa")]):
            raise UnreadableImageError("empty", "The file has no byte.")

    monkeypatch.setattr(composing, "adopt", refuse)
    assert cli.main(["adopt"]) == 2
    assert "`backlabel compose && dvc repro` brings back" in capsys.readouterr().err


def test_data_that_is_not_pulled_yet(root, monkeypatch, capsys):
    (root / "later.dvc").write_text("outs: []\n")
    assert cli.main(["check", "later"]) == 2
    assert "`dvc pull later.dvc` fetches it" in capsys.readouterr().err
