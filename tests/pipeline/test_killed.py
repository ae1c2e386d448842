"""DVC itself killed while it writes: mended, it goes on to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import workspace

pytestmark = pytest.mark.pipeline

RESULTS = ("csv", "labeled", "metrics", "plots", "reviews")


@pytest.fixture(scope="module")
def committed(reproduced, tmp_path_factory):
    """A clone whose results are committed. Each test leaves it as it was."""
    clone = reproduced.copy(tmp_path_factory.mktemp("committed") / "backlabel")
    clone.run("git", "commit", "--all", "--allow-empty", "-q", "-m", "Results")
    return clone


@pytest.fixture(scope="module")
def whole(committed):
    return state(committed)


def state(clone):
    """All results, with DVC's own files, by path."""
    own = [clone.path / name for name in ("dvc.lock", "data.dvc")]
    return {path.name: path.read_bytes() for path in own} | workspace.listing(clone.path, *RESULTS)


def mended(clone):
    """What `backlabel repair` tells; then `dvc repro` runs to its end."""
    done = clone.run("python", "-m", "backlabel", "repair", PYTHONPATH="src")
    clone.run("dvc", "repro")
    return done.stdout


def killed_while_writing(clone, path, size):
    """Kill `dvc commit` as soon as the file at `path` is shorter than `size`; says if it was."""
    process = subprocess.Popen(
        ["dvc", "commit", "--force"],
        cwd=clone.path,
        env=clone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        if path.stat().st_size < size:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return path.stat().st_size < size


def test_dvc_killed_while_it_writes_its_lock(committed, whole):
    lock = committed.path / "dvc.lock"
    tries = (killed_while_writing(committed, lock, len(whole["dvc.lock"])) for _ in range(10))
    assert any(tries)
    mended(committed)
    assert state(committed) == whole


def test_dvc_alone_stops_at_an_empty_lock(committed, whole):
    """Where this fails DVC has learnt it, and `backlabel repair` is needed no longer."""
    (committed.path / "dvc.lock").write_bytes(b"")
    done = committed.run("dvc", "repro", check=False)
    assert done.returncode != 0
    assert "'./dvc.lock' validation failed" in done.stderr
    assert "dvc.lock: was torn" in mended(committed)
    assert state(committed) == whole


# What Python's buffer hands over at once is some bytes below 8,192.
@pytest.mark.parametrize("size", [1, 5000, 8189, 16374])
def test_lock_cut_short(committed, whole, size):
    lock = committed.path / "dvc.lock"
    lock.write_bytes(lock.read_bytes()[:size])
    mended(committed)
    assert state(committed) == whole


def test_lock_that_was_never_committed(committed, whole, tmp_path):
    clone = committed.copy(tmp_path / "clone")
    clone.run("git", "rm", "-q", "--cached", "dvc.lock")
    clone.run("git", "commit", "-q", "-m", "No lock")
    (clone.path / "dvc.lock").write_bytes(b"")
    assert "DVC will make it anew" in mended(clone)
    assert state(clone) == whole


def test_data_file_emptied_while_data_is_new(committed, tmp_path):
    """The committed text speaks of the old data: `dvc repro` then sees what is new."""
    clone = committed.copy(tmp_path / "clone")
    (clone.path / "data/notes.txt").write_text("new")
    clone.run("dvc", "commit", "--force", "data.dvc")
    recorded = (clone.path / "data.dvc").read_bytes()
    (clone.path / "data.dvc").write_bytes(b"")
    assert "data.dvc: was empty" in mended(clone)
    assert (clone.path / "data.dvc").read_bytes() == recorded


def test_torn_rwlock(committed, whole):
    rwlock = committed.path / ".dvc/tmp/rwlock"
    rwlock.write_bytes(b"")
    assert committed.run("dvc", "repro", check=False).returncode != 0
    assert "rwlock: was torn; removed" in mended(committed)
    assert state(committed) == whole


def test_copy_left_beside_a_table_changes_no_result(committed, whole):
    stray = Path("csv/.pvJ7HBEiThYzU9qW8N7MPQ.tmp")
    (committed.path / stray).write_bytes(b"half")
    assert "Running stage" not in committed.run("dvc", "repro").stdout
    assert f"{stray}: was left over; removed" in mended(committed)
    assert state(committed) == whole
