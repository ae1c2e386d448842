"""What a killed DVC leaves is put right; what is whole is left alone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import psutil
import pytest
from dvc.lock import Lock

from backlabel import dvc_repair
from backlabel.errors import ConfigError, OutputError

WHOLE = (Path(__file__).parents[1] / "dvc.lock").read_bytes()
DATA = b"outs:\n- md5: 0\n  path: data\n"
STRAY = ".pvJ7HBEiThYzU9qW8N7MPQ.tmp"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A Git repository that tracks a lock and a .dvc file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "csv").mkdir()
    (tmp_path / "dvc.lock").write_bytes(WHOLE)
    (tmp_path / "data.dvc").write_bytes(DATA)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run(["git", *identity, *command], check=True)
    return tmp_path


def test_nothing_to_mend(repository):
    assert dvc_repair.repair() == []
    assert Path("dvc.lock").read_bytes() == WHOLE


@pytest.mark.parametrize("size", [0, 1, 7, 20, 40, *range(509, len(WHOLE), 509)])
def test_cut_lock_is_as_committed_or_still_readable(repository, size):
    Path("dvc.lock").write_bytes(WHOLE[:size])
    told = dvc_repair.repair()
    if told:
        assert told == ["dvc.lock: was torn (kept as .dvc/tmp/dvc.lock.torn); as committed again"]
        assert Path("dvc.lock").read_bytes() == WHOLE
        assert dvc_repair.TORN.read_bytes() == WHOLE[:size]
    else:
        assert Path("dvc.lock").read_bytes() == WHOLE[:size]
    assert dvc_repair.repair() == []


def test_empty_lock_is_torn(repository):
    """DVC opens it for writing long before it writes: this is what most kills leave."""
    Path("dvc.lock").write_bytes(b"")
    assert dvc_repair.repair() != []


def test_torn_lock_without_a_committed_one_is_left_to_dvc(repository):
    subprocess.run(["git", "update-ref", "-d", "HEAD"], check=True)
    Path("dvc.lock").write_bytes(b"")
    assert dvc_repair.repair() == [
        "dvc.lock: was torn (kept as .dvc/tmp/dvc.lock.torn); DVC will make it anew"
    ]
    assert not Path("dvc.lock").exists()


def test_lock_that_is_being_merged_is_left_alone(repository):
    merging = b"<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '1.0'\n>>>>>>> other\n"
    Path("dvc.lock").write_bytes(merging)
    assert dvc_repair.repair() == []
    assert Path("dvc.lock").read_bytes() == merging


def test_empty_dvc_file_is_as_committed(repository):
    Path("data.dvc").write_bytes(b"")
    assert dvc_repair.repair() == ["data.dvc: was empty; as committed again"]
    assert Path("data.dvc").read_bytes() == DATA


def test_empty_dvc_file_that_was_never_committed_is_named(repository):
    Path("own.dvc").write_bytes(b"")
    with pytest.raises(OutputError, match=r"own\.dvc: is empty .* `dvc add own`"):
        dvc_repair.repair()


@pytest.mark.parametrize("torn", [b"", b'{"write": {"/a'], ids=["empty", "cut"])
def test_torn_rwlock_is_removed(repository, torn):
    dvc_repair.repair()  # makes the folder
    dvc_repair.RWLOCK.write_bytes(torn)
    assert dvc_repair.repair() == [".dvc/tmp/rwlock: was torn; removed"]
    assert not dvc_repair.RWLOCK.exists()


def rwlock_of(pid):
    """As DVC writes it while the process `pid` reads and writes something."""
    one = {"pid": pid, "cmd": "dvc repro"}
    dvc_repair.repair()  # makes the folder
    dvc_repair.RWLOCK.write_text(json.dumps({"write": {"/a": one}, "read": {"/b": [one]}}))


def test_rwlock_without_entries_stays(repository):
    dvc_repair.repair()
    dvc_repair.RWLOCK.write_text("{}")
    assert dvc_repair.repair() == []
    assert dvc_repair.RWLOCK.exists()


def test_rwlock_of_a_process_that_lives_stays(repository):
    rwlock_of(os.getpid())
    assert dvc_repair.repair() == []
    assert dvc_repair.RWLOCK.exists()


def test_rwlock_of_a_killed_process_that_nobody_waited_for_is_removed(repository):
    with subprocess.Popen(["sleep", "60"]) as process:
        rwlock_of(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not gone
        assert psutil.pid_exists(process.pid)
        assert dvc_repair.repair() == [".dvc/tmp/rwlock: was left by a killed process; removed"]


def test_rwlock_from_before_its_process_started_is_removed(repository):
    """As after a power cut: its number is another process's now."""
    rwlock_of(os.getpid())
    before = psutil.Process().create_time() - 3600
    os.utime(dvc_repair.RWLOCK, (before, before))
    assert dvc_repair.repair() == [".dvc/tmp/rwlock: was left by a killed process; removed"]


def test_copies_left_over_are_removed_and_nothing_else(repository):
    Path("csv", STRAY).write_bytes(b"half")
    kept = [Path("csv/.notes.tmp"), Path("csv/x.csv"), Path(".dvc", STRAY)]
    for path in kept:
        path.write_bytes(b"whole")
    assert dvc_repair.repair() == [f"csv/{STRAY}: was left over; removed"]
    assert all(path.read_bytes() == b"whole" for path in kept)
    assert not Path("csv", STRAY).exists()


def test_while_dvc_writes_nothing_is_touched(repository, monkeypatch):
    monkeypatch.setattr("dvc.lock.DEFAULT_TIMEOUT", 0)
    dvc_repair.repair()
    Path("dvc.lock").write_bytes(b"")
    with (
        Lock(".dvc/tmp/lock"),
        pytest.raises(OutputError, match=r"\.dvc/tmp/lock: DVC is at work here"),
    ):
        dvc_repair.repair()
    assert Path("dvc.lock").read_bytes() == b""


def test_elsewhere_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="repository's root"):
        dvc_repair.repair()
