"""Workers as jobs of a real Slurm, which runs in a folder of the test's own."""

from __future__ import annotations

import json

import own_slurm
import pytest
from by_hand import PATIENCE_S, ByHand, wait_for

pytestmark = pytest.mark.slow

pytest.importorskip("dask_jobqueue", reason="the extra `cluster` is not installed")

JOBS = {
    "file": "slurm",
    "address": None,
    "workers": 2,
    "cores": 1,
    "memory_gib": 1.0,
    "queue": "images",
    "walltime": "00:30:00",
    "interface": "lo",
}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if missing := own_slurm.missing():
        pytest.skip(f"Slurm is not installed (no {', '.join(missing)}): apt-get install slurm-wlm")
    with own_slurm.running(tmp_path_factory.mktemp("slurm")) as started:
        if started is None:
            pytest.skip("Slurm is installed, but its daemons do not run here")
        yield started


@pytest.fixture
def cluster(slurm, tmp_path, monkeypatch):
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    with ByHand(tmp_path) as started:
        yield started


def jobs(slurm):
    return slurm.ask("squeue", "-h", "-t", "RUNNING", "-o", "%i").split()


def test_a_job_that_is_cancelled_changes_nothing(slurm, cluster):
    client = cluster.client("slowly", 100, **JOBS)
    line = client.stdout.readline()
    slurm.ask("scancel", "--signal=KILL", wait_for(lambda: jobs(slurm), "a job")[0])
    found, told = cluster.ended(client)
    assert [json.loads(line), *found] == [[i, i] for i in range(100)], told
    assert "at tls://127.0.0.1:" in told
    wait_for(lambda: not jobs(slurm), "the end of all jobs")


def test_jobs_that_are_lost_are_submitted_again(slurm, cluster):
    client = cluster.client("slowly", 100, **{**JOBS, "workers": 1})
    line = client.stdout.readline()
    slurm.ask("scancel", wait_for(lambda: jobs(slurm), "a job")[0])
    found, told = cluster.ended(client)
    assert [json.loads(line), *found] == [[i, i] for i in range(100)], told


def test_jobs_are_cancelled_with_their_command(slurm, cluster):
    client = cluster.client("slowly", 10_000, **JOBS)
    client.stdout.readline()
    client.terminate()
    told = cluster.ended(client)[1]
    assert told.endswith("backlabel: interrupted; run the same command again to go on\n"), told
    wait_for(lambda: not jobs(slurm), "the end of all jobs")
    left = (cluster.folder / ".backlabel/clusters").iterdir()
    assert {path.suffix for path in left} <= {".out", ".err"}


def test_a_job_at_the_end_of_its_time_is_followed_by_another(slurm, cluster):
    how = {"limits": {"max_seconds": PATIENCE_S}}
    client = cluster.client("once_let", 20, **how, **{**JOBS, "workers": 1})
    wait_for(lambda: "dashboard" in cluster.errors.read_text(), "a worker")
    (first,) = jobs(slurm)
    slurm.ask("scontrol", "update", f"JobId={first}", "EndTime=now+1")  # a minute is the least else
    wait_for(lambda: {*jobs(slurm)} - {first}, "another job")
    assert slurm.ask("squeue", "-h", "-t", "all", "-j", first, "-o", "%T") == "TIMEOUT"
    (cluster.folder / "let").touch()
    found, told = cluster.ended(client)
    assert found == [[i, i] for i in range(20)], told


def test_a_job_is_one_process_with_a_thread_a_core(cluster):
    client = cluster.client("in_two_steps", 16, **{**JOBS, "workers": 1, "cores": 2})
    found, told = cluster.ended(client)
    assert "dask: 2 threads" in told
    assert len({second for _, (_, second, _) in found}) == 1, told  # as many contexts on a GPU


def test_a_queue_that_is_not_there_is_told(cluster):
    found, told = cluster.ended(cluster.client("square", 1, **{**JOBS, "queue": "nowhere"}))
    assert found == []
    assert "Slurm refuses the job of a worker" in told
    assert "invalid partition specified: nowhere" in told
    assert "cluster.queue" in told
    assert "Traceback" not in told


def test_a_job_that_never_starts_is_told_with_slurms_reason(cluster):
    settings = {**JOBS, "walltime": "02:00:00", "wait_s": 3}  # the queue allows one hour
    _, told = cluster.ended(cluster.client("square", 1, **settings))
    assert "No worker came" in told
    assert "Slurm says of its jobs: PENDING (PartitionTimeLimit). Look at cluster.queue" in told
    assert "Traceback" not in told


def test_jobs_that_end_at_once_are_told_before_the_wait_is_over(cluster):
    settings = {**JOBS, "prologue": ["echo no such module; exit 3"]}
    _, told = cluster.ended(cluster.client("square", 1, **settings))
    assert "Slurm's jobs ended before a worker came from them" in told
    outputs = [*(cluster.folder / ".backlabel/clusters").glob("*.out")]
    assert {path.read_text() for path in outputs} == {"no such module\n"}


def test_a_network_that_is_not_there_is_told(cluster):
    _, told = cluster.ended(cluster.client("square", 1, **{**JOBS, "interface": "nowhere0"}))
    assert "'nowhere0' is not a valid network interface" in told
    assert "Look at cluster.interface" in told
    assert "Traceback" not in told


def test_slurm_that_is_not_there_is_told(cluster, monkeypatch):
    monkeypatch.setenv("PATH", str(cluster.folder))
    _, told = cluster.ended(cluster.client("square", 1, **JOBS))
    assert "there is no `sbatch` here" in told
