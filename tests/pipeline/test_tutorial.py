"""What the tutorial tells a newcomer to type, typed as it stands, in the order of the page."""

from __future__ import annotations

import csv
import json
import re

import pytest

from clones import ROOT

pytestmark = pytest.mark.pipeline

PAGE = (ROOT / "docs/tutorial.md").read_text()
BLOCKS = re.findall(r"(?m)^ *```(bash|python)\n(.*?)^ *```$", PAGE, re.DOTALL)
NOT_TYPED = ("git clone <", "make install", ". .venv/bin/activate", "backlabel review")
"""What the clone and the environment of tests stand for, and a page, which tests/review drives."""


@pytest.fixture(scope="module")
def typed(reproduced, tmp_path_factory):
    """What each command told; `reproduced` has the sample and has run once."""
    clone = reproduced.copy(tmp_path_factory.mktemp("tutorial") / "backlabel")
    told = {}
    for language, block in BLOCKS:
        if language == "python":
            told["python"] = clone.run("python", "-c", block).stdout
            continue
        for line in block.splitlines():
            if not line.startswith(NOT_TYPED):
                told.setdefault(line, clone.run("bash", "-c", line).stdout)
    return told


def test_it_says_what_the_page_says(typed, reproduced):
    found = json.loads((reproduced.path / "metrics/compare.json").read_text())
    result = f"{found['matched']} of {found['tiffs']}"
    assert f"{result} TIFFs" in PAGE
    assert f"{result} originals" in typed["backlabel summary"]
    assert "0 things to put right" in typed["backlabel check data"]
    lines = typed["dvc metrics diff --md"].splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    (lost,) = [row[3:6] for row in rows if row[1:3] == ["metrics/compare.json", "matched"]]
    assert lost == [str(found["matched"]), str(found["matched"] - 2), "-2"]
    assert "0 differ" in typed["backlabel verify labeled"]
    with (reproduced.path / "labeled/manifest.csv").open(newline="") as file:
        train = sum(row["split"] == "train" for row in csv.DictReader(file))
    assert typed["python"].startswith(f"{train} (1, ")
