"""A cluster gives the same results whatever happens to it, and says why it cannot be used."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest
from by_hand import ByHand, environment, wait_for
from work_done import in_two_steps, square

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.hashing import cache
from backlabel.matching import kept
from backlabel.parts import kept as kept_parts
from backlabel.workers import remote
from backlabel.workers.cluster import Cluster
from backlabel.workers.crew import map_files

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


MANY = 10_000  # items: more than a test waits for


@pytest.fixture
def cluster(tmp_path):
    with ByHand(tmp_path) as started:
        yield started


def squares(count):
    return [[number, number * number] for number in range(count)]


def test_results_come_in_order_and_each_item_has_its_limits(cluster):
    cluster.scheduler()
    workers = [cluster.worker() for _ in range(2)]
    kinds = ["good", "hang", "good", "crash", "killed", "memory", "unreadable", "good"]
    found, told = cluster.ended(cluster.client("hostile", kinds, limits={"max_seconds": 5}))
    reasons = ["fine", "too slow", "fine", *["crashed the decoder"] * 2]
    reasons += ["too much memory", "corrupt", "fine"]
    assert found == [[*pair] for pair in zip(kinds, reasons, strict=True)], told
    assert [worker.poll() for worker in workers] == [None, None]  # what is hostile harms no worker


def test_no_process_stays_on_a_worker_when_its_client_is_done(cluster):
    cluster.scheduler()
    worker = psutil.Process(cluster.worker().pid)
    found, told = cluster.ended(cluster.client("process_id", [0, 1, 2]))
    assert len({own for _, own in found}) == 1, told
    assert worker.pid not in {own for _, own in found}
    wait_for(lambda: not psutil.pid_exists(found[0][1]), "the end of the process")


def test_a_second_step_is_the_workers_own_for_one_task_at_a_time(cluster):
    cluster.scheduler()
    worker = cluster.worker(threads=2)
    found, told = cluster.ended(cluster.client("in_two_steps", 16))
    assert [item for item, _ in found] == [*range(16)], told
    first, second, together = (set(step) for step in zip(*(own for _, own in found), strict=True))
    assert worker.pid not in first
    assert (second, together) == ({worker.pid}, {1})
    assert in_two_steps(0) == [os.getpid(), os.getpid(), 1]  # for one item it is a function


def test_a_bug_is_raised_as_it_is(cluster):
    cluster.scheduler()
    cluster.worker()
    found, told = cluster.ended(cluster.client("buggy", [1, 0, 1], limits={"chunk": 1}))
    assert found == [[1, 1.0]]
    assert "ZeroDivisionError: division by zero" in told
    assert "in buggy" in told


def test_workers_that_are_killed_change_nothing(cluster):
    cluster.scheduler()
    first = cluster.worker()
    client = cluster.client("slowly", 60)
    lines = [client.stdout.readline() for _ in range(3)]
    cluster.worker()
    first.kill()
    lines += [client.stdout.readline() for _ in range(9)]
    cluster.worker()
    cluster.processes[-2].kill()
    found, told = cluster.ended(client)
    assert [json.loads(line) for line in lines] + found == [[i, i] for i in range(60)], told


def test_a_lost_scheduler_is_told(cluster):
    scheduler = cluster.scheduler()
    cluster.worker()
    client = cluster.client("slowly", MANY)
    client.stdout.readline()
    scheduler.kill()
    _, told = cluster.ended(client)
    assert f"WorkerError: The Dask scheduler at {cluster.address} was lost." in told
    assert "What was finished is kept" in told
    assert "Traceback" not in told


def test_the_loss_of_all_workers_is_told(cluster):
    cluster.scheduler()
    worker = cluster.worker()
    assert cluster.ended(cluster.client("square", [1]))[0] == [[1, 1]]  # it has come
    client = cluster.client("slowly", MANY, wait_s=2)
    client.stdout.readline()
    worker.kill()
    assert "No worker came" in cluster.ended(client)[1]


def test_a_scheduler_that_is_not_there_is_told(cluster):
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        cluster.address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        _, told = cluster.ended(cluster.client("square", [1]))
    assert f"No Dask scheduler answers at {cluster.address}" in told


def test_a_scheduler_without_workers_is_told(cluster):
    cluster.scheduler()
    _, told = cluster.ended(cluster.client("square", [1], wait_s=0.5))
    assert "No worker came" in told
    assert f"`dask worker {cluster.address}`" in told


NO_PACKAGE = "import sys; sys.modules['backlabel'] = None"
OTHER_VERSION = "import backlabel; backlabel.__version__ = '0.0.9'"
OTHER_FOLDER = """
import os.path
from backlabel.workers import remote
remote._MARK_S, there = 0, os.path.exists
os.path.exists = lambda path: ".backlabel/clusters" not in str(path) and there(path)
"""


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        (NO_PACKAGE, "does not have backlabel. Start it in an environment in which"),
        (OTHER_VERSION, "has backlabel 0.0.9"),
        (OTHER_FOLDER, "does not see the folder"),
    ],
    ids=["no package", "other version", "other folder"],
)
def test_a_worker_that_is_not_fit_is_told(cluster, before, sentence):
    cluster.scheduler()
    cluster.worker(before)
    found, told = cluster.ended(cluster.client("square", [1]))
    assert found == []
    assert "WorkerError: The worker" in told
    assert sentence in told
    assert "Traceback" not in told


def test_workers_have_the_libraries_that_results_are_kept_by():
    ours_alone = {"faiss-cpu"}  # the index of features is asked where the command runs
    for packages in (cache._PACKAGES, kept._PACKAGES, kept_parts._PACKAGES):
        assert {*packages} - ours_alone <= {*remote.LIBRARIES}


def test_a_file_that_only_a_worker_does_not_see_is_told(tmp_path):
    from backlabel.workers import clusters  # noqa: PLC0415 - an extra

    there = tmp_path / "files/md5/ab" / ("0" * 30)
    there.parent.mkdir(parents=True)
    there.touch()
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/cache").symlink_to(tmp_path)
    (tmp_path / "linked.tif").symlink_to(there)
    (tmp_path / "foreign.tif").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    for name, reason in (("linked.tif", "link"), ("linked.tif", "vanished")):
        with pytest.raises(WorkerError, match=rf"does not see \S+/{name}"):
            clusters.require_seen(UnreadableImageError(reason, "", str(tmp_path / name)))
    for name, reason in (
        ("gone.tif", "vanished"),
        ("foreign.tif", "link"),
        ("linked.tif", "changed"),
    ):
        clusters.require_seen(UnreadableImageError(reason, "", str(tmp_path / name)))


def test_the_scheduler_needs_no_package(cluster):
    cluster.scheduler(NO_PACKAGE)
    cluster.worker()
    found, told = cluster.ended(cluster.client("square", 3))
    assert found == squares(3), told


@pytest.mark.parametrize("before", [NO_PACKAGE, OTHER_VERSION])
def test_a_worker_that_comes_later_is_looked_at_too(cluster, before):
    cluster.scheduler()
    good = cluster.worker()
    client = cluster.client("slowly", MANY)
    client.stdout.readline()
    cluster.worker(before)
    good.kill()
    _, told = cluster.ended(client)
    assert "does not have backlabel" in told or "has backlabel 0.0.9" in told


def test_a_cluster_with_certificates(cluster):
    from distributed.security import Security  # noqa: PLC0415 - an extra

    temporary = Security.temporary()
    for name, text in (("ca", temporary.tls_ca_file), ("key", temporary.tls_worker_key)):
        (cluster.folder / f"{name}.pem").write_text(text)
    files = {"tls_ca": "ca.pem", "tls_cert": "ca.pem", "tls_key": "key.pem"}
    cluster.tls = ["--tls-ca-file", "ca.pem", "--tls-cert", "ca.pem", "--tls-key", "key.pem"]
    cluster.scheduler(protocol="tls")
    assert cluster.address.startswith("tls://")
    cluster.worker()
    found, told = cluster.ended(cluster.client("square", 5, **files))
    assert found == squares(5), told


def test_a_cluster_that_is_started_here(cluster):
    found, told = cluster.ended(cluster.client("square", 9, address=None, workers=2))
    assert found == squares(9), told


def test_a_cluster_that_is_started_here_ends_with_its_command(cluster):
    client = cluster.client("slowly", MANY, address=None, workers=2)
    client.stdout.readline()
    os.killpg(client.pid, signal.SIGINT)  # as Ctrl-C: to the workers, too
    _, told = cluster.ended(client)  # at the end of the last process that has its output
    assert [line.split(":")[0] for line in told.splitlines()] == ["dask", "backlabel"]
    assert told.endswith("backlabel: interrupted; run the same command again to go on\n")
    assert [*(cluster.folder / ".backlabel/clusters").iterdir()] == []


def test_the_default_imports_no_dask():
    told = "from backlabel.stages import hash, compare, label; import sys"
    told += "; print([name for name in sys.modules if name in ('dask', 'distributed')])"
    done = subprocess.run(
        [sys.executable, "-c", told], env=environment(), check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_a_missing_extra_is_told(monkeypatch):
    for name in [*sys.modules]:
        if name.split(".")[0] == "distributed" or name == "backlabel.workers.on_dask":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    values = Cluster.model_construct(kind="dask", address=None)
    with pytest.raises(WorkerError, match=r"pip install 'backlabel\[cluster\]'"):
        list(
            map_files(
                square, [1], cluster=values, workers=1, max_seconds=9, max_memory_mib=99, what=""
            )
        )
