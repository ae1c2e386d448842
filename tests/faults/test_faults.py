"""Kills, full disks, folders that may not be written: an error with a path, or a run that ends."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import workspace
from backlabel.labels import verify
from backlabel.storage.files import lock

pytestmark = pytest.mark.slow

CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24  # linux/capability.h, linux/prctl.h
EMPTY = hashlib.sha256(b"").hexdigest()
PAIRS = [(f"a/{seed}.tif", "L9", seed) for seed in range(4)] + [("b/1.tif", "L1", 9)]
OUTPUTS = ("csv", "labeled", "metrics", "plots", "reviews")


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("faults") / "images"
    workspace.make(root, PAIRS)
    return root


def after(stage, root, folder):
    made = folder / f"after {stage}"
    shutil.copytree(root, made)
    status, told = workspace.run(made, stage)
    assert status == 0, told
    return made


@pytest.fixture(scope="session")
def hashed(images):
    return after("hash", images, images.parent)


@pytest.fixture(scope="session")
def compared(hashed):
    return after("compare", hashed, hashed.parent)


@pytest.fixture(scope="session")
def labelled(compared):
    return after("label", compared, compared.parent)


@pytest.fixture
def work(compared, tmp_path):
    """A workspace in which stage label is next."""
    shutil.copytree(compared, tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def step(stage, request, tmp_path):
    """A workspace in which `stage` is next, and one in which it has run."""
    ready, done = {"hash": ("images", "hashed"), "compare": ("hashed", "compared")}[stage]
    shutil.copytree(request.getfixturevalue(ready), tmp_path / "work")
    return tmp_path / "work", request.getfixturevalue(done)


def killed(stage, template, folder, *, count, seed=5):
    script = Path(__file__).with_name("killing.py")
    tests, source = workspace.ROOT / "tests", workspace.ROOT / "src"
    done = subprocess.run(
        [sys.executable, str(script), stage, str(template), str(folder), str(count), str(seed)],
        env={**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{tests}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    wrong = {name: told.pop(name) for name in ("torn", "different", "left")}
    assert wrong == {"torn": [], "different": [], "left": []}
    assert told["killed"] == (count or told["moments"])
    return told["moments"]


def test_label_killed_at_some_changes_of_a_first_run(compared, tmp_path):
    assert killed("label", compared, tmp_path / "work", count=8) > 15


def test_label_killed_at_some_changes_of_a_later_run(labelled, tmp_path):
    """One original is rejected: an old set is replaced by another."""
    template = tmp_path / "template"
    shutil.copytree(labelled, template)
    digest = workspace.tiff_hash(template, "data/tiff/a/1.tif").sha256
    with (template / "reviews/decisions.csv").open("a") as file:
        file.write(f"data/tiff/a/1.tif,{digest},reject,,,,Ada,,\n")
    assert killed("label", template, tmp_path / "work", count=10) > 15


def test_compare_killed(labelled, tmp_path):
    template = tmp_path / "template"
    shutil.copytree(labelled, template)
    params = template / "params.yaml"
    params.write_text(params.read_text().replace("min_ssim: 0.7", "min_ssim: 0.8"))
    killed("compare", template, tmp_path / "work", count=2)


def test_hash_killed(images, tmp_path):
    killed("hash", images, tmp_path / "work", count=2)


def test_label_killed_at_any_time(work, labelled):
    """By the clock, with all its threads."""
    moments = random.Random(7)
    started = time.monotonic()
    shutil.copytree(work, work.with_name("timed"))
    assert workspace.run(work.with_name("timed"), "label")[0] == 0
    span = time.monotonic() - started
    for _ in range(3):
        process = workspace.start(work, "label")
        time.sleep(moments.uniform(span / 2, span))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert workspace.run(work, "label")[0] == 0
    assert workspace.listing(work, *OUTPUTS) == workspace.listing(labelled, *OUTPUTS)


def full_disk(size):
    """A limit of `size` bytes on files: writes fail as on a full disk."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def without_power():
    if os.geteuid() == 0:  # no permission stops root, but for this
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) == 0


def unfinished(root):
    """Files that a failed run has left half-written."""
    return [
        str(path) for path in root.rglob("*") if path.name.startswith((".partial-", ".labeled"))
    ]


def assert_a_rerun_completes(root, stage, expected):
    status, said = workspace.run(root, stage)
    assert status == 0, said
    assert "Traceback" not in said
    assert workspace.listing(root, *OUTPUTS) == workspace.listing(expected, *OUTPUTS)


@pytest.mark.usefixtures("not_counted")
def test_full_disk(work, labelled):
    """While it copies, and while it writes the manifest; what either leaves the rerun meets."""
    for size, named in ((8 << 10, ".tif"), (14 << 10, "manifest.parquet")):
        status, told = workspace.run(work, "label", preexec_fn=full_disk(size))
        assert status == 2
        assert told.startswith("backlabel: OutputError: ")
        assert named in told
        assert not (work / "labeled").exists()
        assert unfinished(work) == []
    assert_a_rerun_completes(work, "label", labelled)


@pytest.mark.parametrize(
    ("stage", "faults"),
    [
        ("hash", [(200, "/.backlabel: "), (3000, "/.backlabel/cache/hashes.sqlite: ")]),
        (
            "compare",
            [
                (2000, "csv/n_tiff_to_all_jpeg_mapping/all_tiff.csv: "),
                (4500, "csv/threshold_sweep.csv: "),
            ],
        ),
    ],
    ids=["hash", "compare"],
)
@pytest.mark.usefixtures("not_counted")
def test_full_disk_before_labelling(step, stage, faults):
    """One after the other; what any leaves the rerun meets."""
    root, expected = step
    whole = workspace.listing(expected, *OUTPUTS).items()
    for size, named in faults:
        status, told = workspace.run(root, stage, preexec_fn=full_disk(size))
        assert status == 2
        assert told.startswith("backlabel: OutputError: ")
        assert named in told
        assert told.endswith(("cannot be written (File too large)\n", "(disk I/O error)\n"))
        assert unfinished(root) == []
        assert workspace.listing(root, *OUTPUTS).items() <= whole
    assert_a_rerun_completes(root, stage, expected)


def test_folder_that_may_not_be_written(work, labelled):
    work.chmod(0o555)
    status, told = workspace.run(work, "label", preexec_fn=without_power)
    assert status == 2
    assert told == "backlabel: OutputError: .labeled-partial: cannot be made (Permission denied).\n"
    work.chmod(0o755)
    assert_a_rerun_completes(work, "label", labelled)


CLOSED = {
    "hash": {
        ".backlabel": ".backlabel/stages.lock: cannot be locked",
        ".backlabel/cache": "/.backlabel/cache/hashes.sqlite: ",
        "csv": "csv/jpeg_hashes_all_labels.csv: ",
        "csv/single_label_jpeg_hashes": "csv/single_label_jpeg_hashes/Fibres_",
    },
    "compare": {
        "csv": "csv/n_tiff_to_all_jpeg_mapping/all_tiff.csv: ",
        "metrics": "metrics/compare.json: ",
        "plots": "plots/verdicts.csv: ",
    },
}


@pytest.mark.parametrize("stage", CLOSED)
def test_folders_that_may_not_be_written_before_labelling(step, stage):
    """One after the other; what any leaves the rerun meets."""
    root, expected = step
    for closed, named in CLOSED[stage].items():
        (root / closed).mkdir(parents=True, exist_ok=True)
        (root / closed).chmod(0o555)
        status, told = workspace.run(root, stage, preexec_fn=without_power)
        (root / closed).chmod(0o755)
        assert status == 2
        assert told.startswith("backlabel: OutputError: ")
        assert named in told
        assert told.endswith((" (Permission denied)\n", " (unable to open database file)\n"))
        assert unfinished(root) == []
    assert_a_rerun_completes(root, stage, expected)


@pytest.mark.parametrize("stage", ["hash", "compare", "label", "track"])
def test_second_stage_at_once_is_refused(work, stage):
    before = workspace.listing(work, ".")
    with lock(work / ".backlabel" / "stages.lock"):
        status, told = workspace.run(work, stage)
    assert status == 2
    assert "stages.lock: another backlabel process holds this lock" in told
    assert workspace.listing(work, ".") == before | {".backlabel/stages.lock": EMPTY}


def test_lock_of_a_killed_run_holds_nobody_up(work):
    (work / ".backlabel").mkdir(exist_ok=True)
    (work / ".backlabel/stages.lock").write_text("")
    assert workspace.run(work, "label")[0] == 0
    assert verify.verify(work / "labeled").findings == []


def test_sources_are_left_alone(images, labelled):
    assert workspace.listing(labelled, "data") == workspace.listing(images, "data")
