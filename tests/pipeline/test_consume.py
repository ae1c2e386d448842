"""The labelled set elsewhere: pulled, got, and read from another repository."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import Clone, clone_of_the_working_tree

pytestmark = pytest.mark.pipeline


def test_pull_labeled_without_computing(tmp_path):
    clone = clone_of_the_working_tree(tmp_path / "clone")
    clone.run("dvc", "pull", "labeled")
    assert (clone.path / "labeled/manifest.csv").exists()
    assert list((clone.path / "labeled").rglob("*.tif"))
    assert not (clone.path / "data").exists()


@pytest.fixture
def consumer(tmp_path):
    made = Clone(tmp_path / "consumer")
    made.path.mkdir()
    made.run("git", "init", "-q")
    made.run("dvc", "init", "-q")
    return made


def test_get_from_another_repository(pulled, consumer):
    remote = pulled.path / "sample-remote"
    consumer.run(
        *("dvc", "get", str(pulled.path), "labeled"),
        *("--remote-config", f"url={remote}"),
    )
    assert (consumer.path / "labeled/manifest.csv").exists()


def test_python_api_from_another_repository(pulled, consumer):
    code = (
        "import dvc.api, sys\n"
        "text = dvc.api.read('labeled/manifest.csv', repo=sys.argv[1],"
        " remote_config={'url': sys.argv[2]}, encoding='utf-8')\n"
        "print(text.splitlines()[0])\n"
    )
    done = consumer.run(
        *(sys.executable, "-c", code, str(pulled.path), str(pulled.path / "sample-remote"))
    )
    assert done.stdout.startswith("file,label,category,TIFF_path")


def test_artifact_is_declared(pulled):
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import dvc.api; print(dvc.api.artifacts_show('labeled', repo='.'))",
        ],
        cwd=pulled.path,
        env=pulled.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'path': 'labeled'" in shown.stdout
