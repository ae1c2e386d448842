"""Stages write the same bytes wherever images are worked on."""

from __future__ import annotations

import re
import shutil

import pytest

import workspace

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

PAIRS = [(f"{seed % 2}/{seed}.tif", "L9" if seed % 2 else "L1", seed) for seed in range(6)]
BARS = {
    "hash": [("hash", "13/13"), ("hash", "1/1")],  # the second: pages of a TIFF that is broken
    "compare": [("compare", "6/6")],
    "label": [("copy TIFFs", "6/6"), ("read metadata and pixels", "6/6")],
}
OUTPUTS = ("csv", "metrics", "plots", "labeled", "reviews")


def choose(root, cluster):
    """The cluster, with a search that workers do, too."""
    wanted = {
        "conf/config.yaml": ("- cluster: local", f"- cluster: {cluster}"),
        "conf/cluster/dask.yaml": ("workers: 0", "workers: 2"),
        "conf/compare/default.yaml": ("index_from: 200000", "index_from: 1"),
    }
    for path, (old, new) in wanted.items():
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))
    assert workspace.run(root, "compose")[0] == 0


def bars(told):
    """The name of each bar that knows its end, and what it showed last."""
    shown = [line.rpartition("\r")[2] for line in told.split("\n")]
    found = [re.fullmatch(r"(.+): +\d+%\|.*\| (\d+/\d+) \[.*", line) for line in shown]
    return [one.groups() for one in found if one]


def test_stages_write_the_same_bytes_on_a_cluster(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    workspace.make(here, PAIRS)
    (here / "data/tiff/0/broken.tif").write_bytes(b"II*\0")
    shutil.copytree(here, there)
    choose(here, "local")
    choose(there, "dask")
    for root in (here, there):
        for stage in ("hash", "compare", "label"):
            status, told = workspace.run_in_terminal(root, stage)
            assert status == 0, told
            assert bars(told) == BARS[stage]
            assert "Traceback" not in told
            dashboard = r"dask: 2 threads at tls://\S+, dashboard http://127\.0\.0\.1:\d+/status"
            assert len(re.findall(dashboard, told)) == (root == there)  # one for all steps
    assert [*(there / ".backlabel/clusters").iterdir()] == []
    found = workspace.listing(there, *OUTPUTS)
    assert found == workspace.listing(here, *OUTPUTS)
    assert "labeled/manifest.csv" in found
    status, told = workspace.run(there, "verify", "labeled", "--cluster")
    assert status == 0, told
    assert "dask: 2 threads" in told
    changed_original_changes_no_set(there)


def changed_original_changes_no_set(root):
    """What a worker finds wrong ends the stage in one line, and the set stays as it was."""
    before = workspace.listing(root, "labeled", "reviews")
    name = next(path for path in before if path.endswith(".tif"))
    (root / name).unlink()  # so that a worker makes it anew
    before.pop(name)
    for path, _, _ in PAIRS:
        with (root / "data/tiff" / path).open("ab") as file:
            file.write(b"more")
    status, told = workspace.run(root, "label")
    assert status == 2, told
    assert "changed since it was hashed" in told
    assert "Traceback" not in told
    assert workspace.listing(root, "labeled", "reviews") == before
