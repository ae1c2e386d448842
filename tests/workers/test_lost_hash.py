"""What tasks of stage hash have finished is kept, whatever is lost with them."""

from __future__ import annotations

import shutil
import time

import pytest
from by_hand import PATIENCE_S, ByHand, wait_for

import workspace
from backlabel.hashing.identity import SETTLED_S
from backlabel.hashing.shards import _COLUMNS
from backlabel.storage import parquet

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

PAIRS = [(f"a/{seed:02}.tif", "L9", seed) for seed in range(40)]
BROKEN = workspace.jpeg_path("L9", 40)  # with it three tasks of at most 32 images; in the second
HASH = """
import sys
from backlabel import config
from backlabel.stages import hash
params = config.load()
changed = {"kind": "dask", "address": sys.argv[1], "wait_s": float(sys.argv[2])}
hash.main(params.model_copy(update={"cluster": params.cluster.model_copy(update=changed)}))
"""
ONE_AND_TWO_TASKS = """
import itertools, time
from backlabel.workers import remote
run, number = remote.run, itertools.count()
remote.run = lambda packed: run(packed) if next(number) <= 2 else time.sleep(10**6)
"""
NOTED = """
import pickle
from backlabel.workers import remote
run = remote.run
def noted(packed):
    with open("hashed.txt", "a") as file:
        file.writelines(f"{item.path}\\n" for item in pickle.loads(packed)[2])
    return run(packed)
remote.run = noted
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A workspace in which stage hash has run, on this machine."""
    root = tmp_path_factory.mktemp("lost") / "whole"
    workspace.make(root, PAIRS)
    (root / BROKEN).write_bytes(b"\xff\xd8\xff")
    status, told = workspace.run(root, "hash")
    assert status == 0, told
    return root


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        (("scheduler",), "The Dask scheduler at tcp://127.0.0.1:"),
        (("worker",), "No worker came to the scheduler"),
        (("scheduler", "worker", "client"), ""),
    ],
    ids=["scheduler", "all workers", "all"],
)
def test_the_next_run_hashes_what_no_task_had_finished(whole, tmp_path, lost, sentence):
    root = tmp_path / "run"
    shutil.copytree(whole, root, ignore=shutil.ignore_patterns("csv", "metrics", ".backlabel"))
    newest = max(path.stat().st_ctime for path in (root / "data").rglob("*"))
    wait_for(lambda: time.time() > newest + SETTLED_S, "files that are known again")
    shards = root / ".backlabel/cache/shards"
    with ByHand(root) as cluster, (root / "told.txt").open("w") as told:
        processes = {"scheduler": cluster.scheduler()}
        processes["worker"] = cluster.worker(ONE_AND_TWO_TASKS)
        found, said = cluster.ended(cluster.client("square", [1]))
        assert found == [[1, 1]], said  # it has come
        wait_s = 1 if lost == ("worker",) else PATIENCE_S
        client = cluster.start("-c", HASH, cluster.address, str(wait_s), stderr=told)
        processes["client"] = client
        # Not what is half-written yet, which begins with a dot.
        wait_for(lambda: len([*shards.glob("[!.]*.parquet")]) == 2, "two shards")
        for name in lost:
            processes[name].kill()
        assert client.wait(PATIENCE_S) != 0
    assert sentence in (root / "told.txt").read_text()

    rows = [row for path in shards.glob("*") for row in parquet.read_bytes(path, _COLUMNS)]
    finished = {name.decode() for name, *_ in rows if name}
    assert len(finished) == 64
    assert BROKEN in finished
    (root / "scheduler.json").unlink()
    with ByHand(root) as cluster:
        cluster.scheduler()
        cluster.worker(NOTED)
        client = cluster.start("-c", HASH, cluster.address, str(PATIENCE_S))
        assert client.wait(PATIENCE_S) == 0
    everything = {path for path in workspace.listing(root, "data") if "truth" not in path}
    assert {*(root / "hashed.txt").read_text().splitlines()} == everything - finished
    assert not [*shards.glob("*")]
    assert workspace.listing(root, "csv") == workspace.listing(whole, "csv")
