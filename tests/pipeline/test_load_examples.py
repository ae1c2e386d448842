"""`examples/load`: each script is run as it stands, where a labelled set lies, and is short."""

from __future__ import annotations

import ast
import sys

import pytest

import backlabel
from clones import ROOT

pytestmark = pytest.mark.pipeline

SCRIPTS = sorted((ROOT / "examples/load").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_runs(script, reproduced, tmp_path):
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_DATASETS_OFFLINE": "1"}
    told = reproduced.run(sys.executable, str(script), **offline).stdout
    train = backlabel.load(reproduced.path / "labeled", split="train")
    if script.stem == "with_torch":
        assert told.count("(8, 1, 128, 128)") == len(train) // 8
    elif script.stem == "with_hugging_face":
        assert told.startswith(f"{len(train)} of ")
    else:
        assert all(name in told for name in train.classes)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_has_ten_lines_at_most(script):
    text = script.read_text()
    docstring = ast.parse(text).body[0]
    lines = text.splitlines()[docstring.end_lineno :]
    assert len([line for line in lines if line.strip()]) <= 10
