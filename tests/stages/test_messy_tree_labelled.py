"""A messy research tree through hash and label: every TIFF arrives, once, and nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import workspace
from backlabel import config
from backlabel.inventory import scanning
from backlabel.stages import hash as hash_stage
from backlabel.stages import label
from backlabel.storage import paths, tables
from backlabel.storage.rows import Duplicate, JpegHash, Match, Passed, TiffHash

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tests/tools/make_tree.py"
JPEG = "data/jpeg/Tips/L9_1.jpg"


def tool(*arguments):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True
    )


@pytest.fixture
def root(tmp_path, monkeypatch):
    good = tmp_path / "good"
    good.mkdir()
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(0, 6, (96, 128))
        pixels = np.clip(workspace.picture(seed) * 0.8 + 20 + noise, 0, 255)
        tifffile.imwrite(good / f"{seed}.tif", pixels.astype(np.uint8))
    root = tmp_path / "root"
    workspace.make(root, [("x.tif", "L9", 1)])
    (root / "data/tiff/x.tif").unlink()
    (root / "data/tiff").rmdir()
    built = tool("build", good, root / "data/tiff", "--listing", tmp_path / "tree.json")
    assert built.returncode == 0, built.stderr
    monkeypatch.chdir(root)
    return root


def everything_matched():
    """A mapping in which every hashed TIFF was matched to the one JPEG."""
    (jpeg,) = tables.read(paths.JPEG_HASHES, JpegHash)
    tiffs = tables.read(paths.TIFF_HASHES, TiffHash)
    rows = [workspace.match(tiff, jpeg) for tiff in tiffs]
    tables.write(paths.mapping_path(None), Match, rows)
    return tiffs


def test_nothing_is_lost_and_nothing_is_added(root, tmp_path):
    listing = tmp_path / "tree.json"
    params = config.load()
    read = params.read.model_copy(update={"max_unreadable_share": 1.0})
    hash_stage.main(params.model_copy(update={"read": read}))
    tiffs = everything_matched()
    label.main(params)

    compared = tool("compare", listing, root / "labeled")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    verified = tool("verify", listing)
    assert verified.returncode == 0, verified.stdout + verified.stderr

    told = [row.path for row in tiffs]
    told += [row.path for row in tables.read(paths.UNREADABLE, Passed)]
    told += [row.path for row in tables.read(paths.SKIPPED, Passed)]
    entries = json.loads(listing.read_text())["entries"]
    listed = {f"data/tiff/{entry['path']}" for entry in entries if entry["type"] != "dir"}
    below = [path for path in told if path.startswith("data/tiff/")]
    assert len(below) == len(set(below))
    assert listed - set(below) == unreachable(entries)

    duplicates = {row.TIFF_path: row.same_as for row in tables.read(paths.DUPLICATES, Duplicate)}
    assert duplicates["data/tiff/dup/hard_again.tif"] == "data/tiff/dup/hard.tif"
    # By the bytes of their listed "orig - Copy.tif" comes first of the three.
    first = "data/tiff/dup/a/orig - Copy.tif"
    assert [path for path, same in duplicates.items() if same == first] == [
        "data/tiff/dup/a/orig.tif",
        "data/tiff/dup/b/orig.tif",
    ]
    assert not (root / "PWNED").exists()


def unreachable(entries):
    """Paths below folders that cannot be listed: the folder itself is told instead."""
    found = scanning.scan(Path("data/tiff"))
    closed = tuple(f"{item.path}/" for item in found.errors)
    return {
        f"data/tiff/{entry['path']}"
        for entry in entries
        if entry["type"] != "dir" and f"data/tiff/{entry['path']}".startswith(closed)
    }


def test_a_name_that_is_no_utf8_is_labelled_under_one_that_is(root):
    params = config.load()
    read = params.read.model_copy(update={"max_unreadable_share": 1.0})
    hash_stage.main(params.model_copy(update={"read": read}))
    everything_matched()
    label.main(params)
    for folder, _, files in os.walk(os.fsencode("labeled")):
        for name in files:
            assert (folder + b"/" + name).decode("utf-8").isprintable()
