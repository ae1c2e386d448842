"""The labelled set under real DVC: what it stores, keeps and carries along."""

from __future__ import annotations

import json
import subprocess

import pytest

from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision, TiffHash

pytestmark = pytest.mark.pipeline


@pytest.fixture
def clone(reproduced, tmp_path):
    made = reproduced.copy(tmp_path / "clone")
    made.run("git", "commit", "-qam", "Results", "--allow-empty")
    return made


def stored(remote):
    sizes = [path.stat().st_size for path in remote.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def test_pushing_the_labelled_set_adds_next_to_nothing(clone, tmp_path):
    remote = tmp_path / "remote"
    remote.mkdir()
    clone.run("dvc", "remote", "add", "--local", "new", str(remote))
    clone.run("dvc", "push", "-r", "new", "data.dvc")
    objects, size = stored(remote)
    clone.run("dvc", "push", "-r", "new", "labeled")
    more_objects, more_size = stored(remote)
    labeled = [path for path in (clone.path / "labeled").rglob("*") if path.is_file()]
    metadata = [path for path in labeled if path.suffix != ".tif"]
    # The tables beside the images, and DVC's list of the folder.
    assert more_objects - objects == len(metadata) + 1
    assert more_size - size < 16_384 + sum(path.stat().st_size for path in metadata)
    assert len(labeled) > 2 * len(metadata)


def test_file_of_others_survives_repro(clone):
    (clone.path / "labeled/notes.txt").write_text("mine")
    done = clone.run("dvc", "repro", "label", check=False)
    assert done.returncode != 0
    assert "labeled/notes.txt: was not written by backlabel" in done.stdout + done.stderr
    assert (clone.path / "labeled/notes.txt").read_text() == "mine"


def test_file_of_others_survives_an_experiment(clone):
    """DVC itself would check the set out anew, before any stage runs."""
    (clone.path / "labeled/notes.txt").write_text("mine")
    changed = next((clone.path / "labeled").rglob("*.tif"))
    experiment = ["dvc", "exp", "run", "-S", "label.split_seed=3"]
    done = clone.run(*experiment, check=False)
    assert done.returncode != 0
    assert "labeled/notes.txt: was not written by backlabel" in done.stdout + done.stderr
    assert (clone.path / "labeled/notes.txt").read_text() == "mine"
    (clone.path / "labeled/notes.txt").unlink()
    content = changed.read_bytes()
    changed.unlink()
    changed.write_bytes(content + b"mine")
    done = clone.run("dvc", "exp", "run", check=False)
    assert done.returncode != 0
    assert f"{changed.name}: was changed by others" in done.stdout + done.stderr
    assert changed.read_bytes() == content + b"mine"
    (clone.path / "labeled/notes.txt").write_text("mine")
    clone.run(*experiment, "--temp")  # leaves the workspace alone
    assert (clone.path / "labeled/notes.txt").read_text() == "mine"


def has_reflinks(folder):
    (folder / "a file").write_bytes(b"its bytes")
    cloning = ("cp", "--reflink=always", folder / "a file", folder / "its clone")
    return subprocess.run(cloning, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("kind", ["copy", "reflink", "hardlink", "symlink"])
def test_an_experiment_leaves_the_files_that_stay(clone, tmp_path, kind):
    """The same inodes with the same times, whether they are copies or links to DVC's cache."""
    if kind == "reflink" and not has_reflinks(tmp_path):
        pytest.skip("the file system of pytest's folder (--basetemp) has no reflinks, as XFS has")
    clone.run("dvc", "config", "--local", "cache.type", kind)
    clone.run("dvc", "checkout", "--relink")
    files = sorted((clone.path / "labeled").rglob("*.tif"))
    before = [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files]
    assert [file.is_symlink() for file in files] == [kind == "symlink"] * len(files)
    assert [file.stat().st_nlink > 1 for file in files] == [kind == "hardlink"] * len(files)
    clone.run("dvc", "exp", "run", "-S", "label.split_seed=3")
    assert [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files] == before
    assert clone.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_names_given_in_an_experiment_come_with_it(clone):
    names = clone.path / "reviews/names.csv"
    given = names.read_text()
    header = given.partition("\n")[0]
    names.write_text(f"{header}\n")
    clone.run("git", "commit", "-qam", "No names yet")
    clone.run("dvc", "exp", "run", "--temp", "-n", "named", "label")
    assert names.read_text() == f"{header}\n"
    refs = clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    (ref,) = [ref for ref in refs if ref.endswith("/named")]
    shown = clone.run("git", "show", f"{ref}:reviews/names.csv").stdout
    manifest = (clone.path / "labeled/manifest.csv").read_text()
    files = [line.rpartition(",")[2] for line in shown.splitlines()[1:]]
    assert [file for file in files if file not in manifest] == []
    assert len(files) == manifest.count("\n") - 1


def test_decision_runs_the_label_stage_alone(clone):
    tiff = tables.read(clone.path / paths.TIFF_HASHES, TiffHash)[0]
    decision = Decision(tiff.path, tiff.sha256, Choice.REJECT, None, None, None, "Ada", "Another.")
    tables.write(clone.path / paths.DECISIONS, Decision, [decision])
    done = clone.run("dvc", "repro", "label")
    assert "Running stage 'label'" in done.stdout
    assert "Running stage 'compare'" not in done.stdout
    told = json.loads((clone.path / "metrics/label.json").read_text())
    assert told["decisions"]["rejected"] == 1
    assert "up to date" in clone.run("dvc", "status", "label").stdout
