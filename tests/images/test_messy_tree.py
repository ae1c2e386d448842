"""The promises on a messy research tree, entry by entry."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import read
from backlabel.inventory.scanning import scan
from backlabel.workers.crew import map_files

pytestmark = pytest.mark.slow

EXPECTED = {
    "use": {"used"},
    "use_once": {"used"},
    "list_error": {"error"},
    "list_skip": {"skip"},
    "either": {"used", "skip", "error"},
}


def shape_of(path: str) -> tuple[int, ...]:
    return read(Path(path)).grey.shape


def run(program: Path, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def listing(make_tree, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("messy")
    rng = np.random.default_rng(5)
    (folder / "good").mkdir()
    for number in range(6):
        noise = rng.integers(0, 256, (12, 16), dtype=np.uint8)
        image = Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC)
        image.save(folder / "good" / f"{number}.tif")
    run(make_tree, "build", folder / "good", folder / "tree", "--heavy", "--many", 2000)
    return json.loads((folder / "tree.listing.json").read_text())


@pytest.fixture(scope="module")
def outcomes(listing) -> dict[str, list[str]]:
    """What became of each path below the root."""
    root = Path(listing["root"])
    inventory = scan(root)
    found: dict[str, list[str]] = {}
    for skip in inventory.skips:
        found.setdefault(skip.path, []).append("skip")
    for error in inventory.errors:
        found.setdefault(error.path, []).append("error")
    paths = [image.path for image in inventory.images]
    results = map_files(
        shape_of, paths, workers=2, max_seconds=20, max_memory_mib=300, what="messy tree"
    )
    for path, result in results:
        bad = isinstance(result, UnreadableImageError)
        found.setdefault(path, []).append("error" if bad else "used")
    return {path.removeprefix(f"{root}/"): ends for path, ends in found.items()}


def is_expected(entry: dict, ends: list[str], outcomes: dict[str, list[str]]) -> bool:
    if entry.get("enforced") and not ends:  # below a folder that cannot be listed
        return outcomes.get(entry["path"].rpartition("/")[0]) == ["error"]
    allowed = EXPECTED[entry["expect"]]
    if entry.get("enforced") is False or entry["kind"].startswith("disturb_"):
        allowed = allowed | {"used"}  # the fault does not bite root, nor where nothing disturbs
    return len(ends) == 1 and ends[0] in allowed


def test_every_path_ends_once_and_as_it_should(listing, outcomes):
    entries = [entry for entry in listing["entries"] if entry["expect"]]
    wrong = [
        (entry["kind"], entry["path"], entry["expect"], outcomes.get(entry["path"], []))
        for entry in entries
        if not is_expected(entry, outcomes.get(entry["path"], []), outcomes)
    ]
    assert wrong == []
    assert len(entries) > 2000


def test_nothing_is_listed_that_is_not_there(listing, outcomes):
    assert outcomes.keys() <= {entry["path"] for entry in listing["entries"]}


def test_the_tree_is_as_it_was_built(listing, outcomes, make_tree):
    assert outcomes
    run(make_tree, "verify", listing["root"] + ".listing.json")
