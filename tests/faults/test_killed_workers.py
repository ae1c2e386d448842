"""Workers that are killed at random moments change no table, and nobody sees a traceback."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from PIL import Image

import workspace
from backlabel.calibration.frames import scanned
from backlabel.reporting import tracking

pytestmark = pytest.mark.slow

PAIRS = 60
MOST = 2  # workers that are killed in a run: three deaths over one picture make it an error


@pytest.fixture(scope="module")
def images(tmp_path_factory, empty_store):
    """Originals and copies of which each takes a while to score, for their noise is gone."""
    root = tmp_path_factory.mktemp("killed") / "images"
    workspace.make(root, [])
    for folder in ("tiff", "jpeg/Tips"):
        (root / "data" / folder).mkdir(parents=True)
    for seed in range(PAIRS):
        grey = workspace.picture(seed, 480, 640)
        noisy = scanned(grey / 2 + 64, 6.0, np.random.default_rng(seed))
        tifffile.imwrite(root / f"data/tiff/{seed}.tif", noisy)
        jpeg = Image.fromarray(noisy).resize((320, 240), Image.Resampling.BICUBIC)
        jpeg.save(root / f"data/jpeg/Tips/L9_{seed:032x}.jpg", quality=60)
    shutil.copy(empty_store, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        tracking.experiment_id("backlabel-calibration")
    return root


@pytest.fixture(scope="module")
def hashed(images):
    root = images.with_name("hashed")
    shutil.copytree(images, root)
    status, output = workspace.run(root, "hash")
    assert status == 0, output
    return root


@pytest.fixture
def work(images, hashed, tmp_path):
    def made(command):
        template = images if command == "hash" else hashed
        shutil.copytree(template, tmp_path / "undisturbed")
        shutil.copytree(template, tmp_path / "killed")
        return tmp_path / "undisturbed", tmp_path / "killed"

    return made


def kill_workers(process, moments):
    """Kill a random worker of `process` now and then; how many were killed when it ends."""
    killed = 0
    while process.poll() is None:
        time.sleep(moments.uniform(0.02, 0.3))
        try:
            servers = psutil.Process(process.pid).children()
            workers = [worker for server in servers for worker in server.children()]
        except psutil.NoSuchProcess:
            continue
        if workers and killed < MOST:
            with suppress(ProcessLookupError):
                os.kill(moments.choice(workers).pid, signal.SIGKILL)
                killed += 1
    return killed


@pytest.mark.parametrize(
    ("command", "arguments", "outputs", "seed"),
    [
        ("hash", [], ["csv", "metrics"], 0),
        ("compare", [], ["csv", "metrics", "plots"], 0),
        ("compare", [], ["csv", "metrics", "plots"], 1),
        ("calibrate", ["data/tiff", "--images", "4", "--kinds", "quality 50"], ["calibration"], 0),
    ],
    ids=["hash", "compare", "compare again", "calibrate"],
)
def test_killed_workers_change_nothing(work, command, arguments, outputs, seed):
    undisturbed, disturbed = work(command)
    status, output = workspace.run(undisturbed, command, *arguments)
    assert status == 0, output
    process = workspace.start(disturbed, command, *arguments)
    killed = kill_workers(process, random.Random(seed))
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert killed > 0
    assert workspace.listing(disturbed, *outputs) == workspace.listing(undisturbed, *outputs)


def wait_until_it_imports(process):
    """Python itself, before it runs a line of ours, answers SIGINT with a traceback."""
    maps = Path(f"/proc/{process.pid}/maps")
    while "numpy" not in maps.read_text():
        time.sleep(0.01)


@pytest.mark.parametrize("command", ["hash", "compare"])
@pytest.mark.parametrize("after_s", [0.0, 0.3, 1.2, 2.0])
def test_ctrl_c_ends_in_one_line(work, command, after_s):
    _, root = work(command)
    process = workspace.start(root, command)
    wait_until_it_imports(process)
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert "Traceback" not in output
    if process.returncode != 0:  # it was not done before
        *before, last = output.splitlines()
        assert last == "backlabel: interrupted; run the same command again to go on"
        # Between the last table and the end of the process a stage says how it went.
        assert before == [] or (root / f"metrics/{command}.json").exists()
