"""What the tutorial tells a newcomer to type, typed as it stands, in the order of the page."""

from __future__ import annotations

import re

import pytest

from clones import ROOT

pytestmark = pytest.mark.pipeline

BLOCKS = re.findall(
    r"(?m)^ *```(bash|python)\n(.*?)^ *```$", (ROOT / "docs/tutorial.md").read_text(), re.DOTALL
)
INSTALLING = ("git clone <", "make install", ". .venv/bin/activate")
"""What stands for the clone and the environment in which tests run."""


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
            if not line.startswith(INSTALLING):
                told.setdefault(line, clone.run("bash", "-c", line).stdout)
    return told


def test_it_says_what_the_page_says(typed):
    assert "36 of 48 TIFFs matched" in typed["backlabel summary"]
    assert "0 things to put right" in typed["backlabel check data"]
    assert "| compare.hamming_threshold" not in typed["dvc metrics diff --md"]
    lost = next(line for line in typed["dvc metrics diff --md"].splitlines() if " matched " in line)
    assert [cell.strip() for cell in lost.split("|")][3:6] == ["36", "35", "-1"]
    assert "36 files" in typed["backlabel verify labeled"]
    assert typed["python"].startswith("3")
