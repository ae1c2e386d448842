"""The labelled set elsewhere: pulled, got, and read from another repository."""

from __future__ import annotations

import sys

import pytest

from clones import Clone, clone_of_the_working_tree

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


def test_artifact_by_version(pulled, consumer, tmp_path):
    publisher = pulled.copy(tmp_path / "publisher")
    publisher.run("git", "tag", "-a", "labeled@v0.1.0", "-m", "First")
    consumer.run(
        *("dvc", "artifacts", "get", str(publisher.path), "labeled", "--rev", "v0.1.0"),
        *("--remote-config", f"url={publisher.path / 'sample-remote'}"),
    )
    assert (consumer.path / "labeled/manifest.csv").exists()
