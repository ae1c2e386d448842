"""Stages over workers that are started by hand: their own devices, and files they do not see."""

from __future__ import annotations

import shutil
import socket
import subprocess

import pytest
from by_hand import PATIENCE_S, ByHand

import workspace
from backlabel.storage import paths

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.slow

PAIRS = [(f"a/{seed}.tif", "L9" if seed % 2 else "L1", seed) for seed in range(5)]
STAGE = """
import sys
from importlib import import_module
from backlabel import config
from backlabel.matching import device
stage, address, wait_s, chosen = sys.argv[1:]
params = config.load()
cluster, compare = {"kind": "dask", "address": address, "wait_s": float(wait_s)}, {}
if chosen in ("auto", "cuda"):
    compare["device"] = chosen
else:
    device.resolve = lambda *_: chosen
if address == "local":
    cluster = {}
params = params.model_copy(update={
    "cluster": params.cluster.model_copy(update=cluster),
    "compare": params.compare.model_copy(update=compare),
})
import_module(f"backlabel.stages.{stage}").main(params)
"""
NO_DRIVER = "from backlabel.matching import device; device.has_driver = lambda: False"
NOTED = """
import sys
from backlabel.workers import remote
run = remote.run
def noted(packed):
    results = run(packed)
    with open("results.txt", "a") as file:
        file.writelines(f"{type(one).__name__} {'torch' in sys.modules}\\n" for one in results)
    return results
remote.run = noted
"""
EACH_LOSS_COUNTS = "import dask; dask.config.set({'distributed.scheduler.allowed-failures': 0})"
SMALL_TASKS = """
from backlabel.workers import on_dask
mapped = on_dask.DaskCrew.map
on_dask.DaskCrew.map = lambda *work, **how: mapped(*work, **how | {"chunk": 2})
"""
KILLED_TWICE = """
import ctypes, os, random, signal, threading
import distributed.cli.dask_worker  # once, before the forks
from backlabel.workers import remote
moments, run = random.Random(__SEED__), remote.run
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
def killed(packed):
    global tasks
    tasks -= 1
    if tasks >= 0:
        return run(packed)
    threading.Timer(moment, kill).start()
    run(packed)
    kill()  # what was found is never sent
for life in range(2):
    tasks, moment = life * moments.randrange(2), moments.uniform(0, 4)
    if not os.fork():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the test
        remote.run = killed
        break
    os.wait()
    with open("killed.txt", "a") as file:
        file.write("once more\\n")
"""
"""A worker that is killed in its first task, and again in its next life's first or second."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A workspace in which all stages have run, on this machine."""
    root = tmp_path_factory.mktemp("stages") / "whole"
    workspace.make(root, PAIRS)
    for stage in ("hash", "compare", "label"):
        status, told = workspace.run(root, stage)
        assert status == 0, told
    return root


@pytest.fixture
def cluster(whole, tmp_path):
    """A scheduler in a copy of the workspace, without its set and what is kept."""
    root = tmp_path / "run"
    shutil.copytree(whole, root, ignore=shutil.ignore_patterns(".backlabel", "labeled"))
    with ByHand(root) as started:
        started.scheduler(EACH_LOSS_COUNTS)
        yield started


def ran(cluster, stage, *, address=None, device="auto", before=""):
    """The exit status of a stage, which runs the lines `before` first, and what it told."""
    asked = (stage, address or cluster.address, str(PATIENCE_S), device)
    with cluster.errors.open("w") as told:
        client = cluster.start("-c", before + STAGE, *asked, stderr=told)
        status = client.wait(PATIENCE_S)
    return status, cluster.errors.read_text()


def test_each_worker_computes_on_its_own_device(cluster):
    cluster.worker(NOTED, threads=2)
    status, told = ran(cluster, "compare", device="cpu:0")
    assert status == 0, told
    there = workspace.listing(cluster.folder, "csv", "metrics", "plots")
    noted = (cluster.folder / "results.txt").read_text().splitlines()
    assert {*noted} == {"Scores True"}  # no pixels come back
    shutil.rmtree(cluster.folder / ".backlabel")
    status, told = ran(cluster, "compare", address="local", device="cpu:0")
    assert status == 0, told
    assert workspace.listing(cluster.folder, "csv", "metrics", "plots") == there


@pytest.mark.parametrize(
    ("stage", "outputs"),
    [
        ("hash", ["csv/tiff_hashes.csv", "csv/jpeg_hashes_all_labels.csv", "metrics/hash.json"]),
        ("compare", [str(paths.mapping_path(None)), str(paths.candidates_path(None))]),
        ("label", ["labeled/manifest.csv", "labeled/SHA256SUMS"]),
    ],
)
def test_workers_that_are_killed_at_random_change_no_byte(whole, cluster, stage, outputs):
    root = cluster.folder
    for name in outputs:
        (root / name).unlink(missing_ok=True)
    for seed in range(2):
        cluster.worker(KILLED_TWICE.replace("__SEED__", str(seed)))
    status, told = ran(cluster, stage, before=SMALL_TASKS)
    assert status == 0, told
    assert 1 <= len((root / "killed.txt").read_text().splitlines()) <= 4
    for name in outputs:
        assert (root / name).read_bytes() == (whole / name).read_bytes()


def test_a_worker_without_a_gpu_is_told(cluster):
    cluster.worker(NO_DRIVER)
    status, told = ran(cluster, "compare", device="cuda")
    assert status != 0
    host = socket.gethostname()
    assert f"WorkerError: compare.device is cuda, but the worker on {host} finds no CUDA" in told
    assert "or set compare.device=auto or cpu" in told


def without(folder):
    """The command that starts another one which sees `folder` empty."""
    mount = f'mount -t tmpfs none {folder} && exec "$@"'
    return "unshare", "--mount", "sh", "-c", mount, "-"


@pytest.mark.parametrize(
    ("stage", "side"),
    [("hash", "tiff"), ("compare", "tiff"), ("compare", "jpeg"), ("label", "tiff")],
)
def test_a_worker_that_does_not_see_the_images_is_told(cluster, stage, side):
    mounted = subprocess.run([*without("/mnt"), "true"], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no process may have mounts of its own here (unshare --mount)")
    cluster.worker(inside=without(f"data/{side}"))
    status, told = ran(cluster, stage)
    assert status != 0
    assert f"WorkerError: A worker does not see data/{side}/" in told
    assert "put them on a file system that they share" in told
