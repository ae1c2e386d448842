"""Remotes that are not this repository: an S3 server on loopback, and what others fetch from it."""

from __future__ import annotations

import json
import sys

import boto3
import pytest
from moto.server import ThreadedMotoServer

from clones import Clone

pytestmark = pytest.mark.pipeline

BUCKET = "labelled"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
URL = f"s3://{BUCKET}/backlabel"


@pytest.fixture(scope="module")
def server():
    """The address of an S3 server on a free port of loopback, with one empty bucket."""
    made = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    made.start()
    _, port = made.get_host_and_port()
    address = f"http://127.0.0.1:{port}"
    s3 = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106 - the server takes any
    )
    s3.create_bucket(Bucket=BUCKET)
    yield address
    made.stop()


@pytest.fixture(scope="module")
def published(reproduced, server, tmp_path_factory):
    """A clone whose default remote is in S3 and holds all that its commit names; tagged 0.1.0."""
    clone = reproduced.copy(tmp_path_factory.mktemp("published") / "backlabel")
    clone.environment |= KEYS | {"AWS_DEFAULT_REGION": "us-east-1"}
    clone.run("dvc", "remote", "add", "--default", "--force", "storage", URL)
    clone.run("dvc", "remote", "modify", "storage", "endpointurl", server)
    clone.run("dvc", "push")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "-q", "--allow-empty", "-m", "Remote in S3")
    # `dvc artifacts` sees annotated tags alone.
    clone.run("git", "tag", "-a", "labeled@v0.1.0", "-m", "0.1.0")
    return clone


@pytest.fixture
def consumer(published, tmp_path):
    """Another repository, which knows the keys of the S3 server and nothing else."""
    made = Clone(tmp_path / "consumer")
    made.environment |= KEYS | {"AWS_DEFAULT_REGION": "us-east-1"}
    made.path.mkdir()
    made.run("git", "init", "-q")
    made.run("dvc", "init", "-q")
    return made


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".gitignore"
    }


def test_everything_is_in_s3(published):
    done = published.run("dvc", "data", "status", "--not-in-remote", "--json")
    assert "not_in_remote" not in json.loads(done.stdout)
    assert "Cache and remote" in published.run("dvc", "status", "--cloud").stdout


def test_fresh_clone_pulls_the_labelled_set(published, tmp_path):
    clone = Clone(tmp_path / "clone")
    clone.environment |= published.environment
    published.run("git", "clone", "-q", str(published.path), str(clone.path))
    clone.run("dvc", "pull", "labeled")
    assert contents(clone.path / "labeled") == contents(published.path / "labeled")
    assert not (clone.path / "data").exists()


def test_get(published, consumer):
    consumer.run("dvc", "get", str(published.path), "labeled", "--rev", "labeled@v0.1.0")
    assert contents(consumer.path / "labeled") == contents(published.path / "labeled")


def test_artifacts_get_by_version(published, consumer):
    consumer.run("dvc", "artifacts", "get", str(published.path), "labeled", "--rev", "v0.1.0")
    assert contents(consumer.path / "labeled") == contents(published.path / "labeled")


def test_import_and_update(published, consumer):
    source = str(published.path)
    consumer.run("dvc", "import", source, "labeled", "--rev", "labeled@v0.1.0")
    assert contents(consumer.path / "labeled") == contents(published.path / "labeled")
    written = (consumer.path / "labeled.dvc").read_text()
    assert published.run("git", "rev-parse", "HEAD").stdout.strip() in written
    assert "labeled@v0.1.0" in written
    assert "up to date" in consumer.run("dvc", "status").stdout
    commit = published.run("git", "rev-parse", "HEAD").stdout.strip()
    consumer.run("dvc", "update", "labeled.dvc", "--rev", commit)
    assert f"rev: {commit}" in (consumer.path / "labeled.dvc").read_text()


def test_one_file(published, consumer):
    consumer.run("dvc", "get", str(published.path), "labeled/croissant.json")
    expected = (published.path / "labeled/croissant.json").read_bytes()
    assert (consumer.path / "croissant.json").read_bytes() == expected


def test_python_api(published, consumer):
    code = (
        "import dvc.api, sys\n"
        "with dvc.api.open('labeled/manifest.csv', repo=sys.argv[1], rev='labeled@v0.1.0') as f:\n"
        "    print(f.readline())\n"
        "print(dvc.api.get_url('labeled', repo=sys.argv[1]))\n"
    )
    done = consumer.run(sys.executable, "-c", code, str(published.path))
    assert done.stdout.startswith("file,label,category,TIFF_path")
    assert f"{URL}/files/md5/" in done.stdout


def test_shared_folder(published, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    clone = published.copy(tmp_path / "clone")
    clone.run("dvc", "remote", "add", "--default", "--force", "storage", str(shared))
    clone.run("dvc", "push")
    clone.run("git", "commit", "-q", "--all", "-m", "Remote in a shared folder")
    other = Clone(tmp_path / "other")
    clone.run("git", "clone", "-q", str(clone.path), str(other.path))
    other.run("dvc", "pull", "labeled")
    assert contents(other.path / "labeled") == contents(clone.path / "labeled")
