"""What README promises a new user: from the run to ten decisions that the manifest shows."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image
from playwright.sync_api import expect

import chromium
import workspace
from backlabel.storage import paths, tables
from backlabel.storage.rows import Labelled, Match, TruePair

pytestmark = [pytest.mark.pipeline, *chromium.NEEDED]

DECISIONS = 10


@pytest.fixture
def clone(reproduced, tmp_path):
    return reproduced.copy(tmp_path / "backlabel")


@pytest.fixture
def served(clone):
    """The address that `backlabel review` prints in the clone."""
    server = subprocess.Popen(
        ["backlabel", "review"],
        cwd=clone.path,
        env=clone.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield workspace.address(server)
    finally:
        server.kill()
        server.communicate()


def test_ten_decisions_by_keys_are_in_the_labelled_set(clone, served):
    known = {
        (pair.TIFF_path, pair.JPEG_path)
        for pair in tables.read(clone.path / "data/truth.csv", TruePair, optional=["page"])
    }
    rows = {row.TIFF_path: row for row in tables.read(clone.path / mapping(), Match)}
    wanted = {}
    with chromium.opened() as browser:
        page = chromium.review(browser, served)
        for _ in range(DECISIONS):
            path = page.locator("#name-tiff").text_content().rpartition(" (")[0]
            row = rows[path.removeprefix("TIFF ")]
            if (row.TIFF_path, row.JPEG_path) in known:
                keys = ["a"]
            elif (row.TIFF_path, row.runner_up_path) in known:
                keys = ["r", "a"]
            else:
                keys = ["x"]
            wanted[row.TIFF_path] = keys[-1]
            for key in keys:
                page.keyboard.press(key)
            chromium.settled(page)
        accepted = sorted(path for path, key in wanted.items() if key == "a")
        page.locator("#show-pending").click()
        steps = page.locator("#pending-steps li")
        expect(steps).to_have_count(len(accepted))
        told = zip(steps.all_text_contents(), accepted, strict=True)
        assert all(line.startswith(f"{path} ") for line, path in told)
        page.keyboard.press("Escape")
        clone.run("dvc", "repro", "label")
        page.locator("#show-pending").click()
        expect(page.locator("#pending-count")).to_have_text("Every decision is applied.")
    assert len(wanted) == DECISIONS
    labelled = {
        row.TIFF_path: (row.decided_by, row.reviewer)
        for row in tables.read(clone.path / paths.MANIFEST, Labelled)
        if row.TIFF_path in wanted
    }
    who = clone.run("git", "config", "user.name").stdout.strip()
    assert labelled == dict.fromkeys(accepted, ("person", who))


def test_the_pictures_of_the_documentation_are_taken_by_a_command(clone):
    names = [Path("docs/images") / name for name in ("review.jpg", "review-difference.jpg")]
    workspace.wait_for_pictures(clone.path)
    for name in names:
        (clone.path / name).unlink()
    clone.run("python", "scripts/screenshots.py")
    for name in names:
        with Image.open(clone.path / name) as picture:
            assert picture.size == (1280, 760)


def mapping():
    return PurePosixPath(paths.mapping_path(None))
