"""dvc.yaml names all that a stage runs and reads."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from backlabel import config
from parameters import leaves

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
STAGES = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_whole_package(stage):
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith("src")]
    assert code == ["src/backlabel"]
    assert STAGES[stage]["cmd"] == f"PYTHONPATH=src python -m backlabel {stage}"


def test_every_parameter_belongs_to_a_stage_or_to_the_machine():
    named = {param for stage in STAGES.values() for param in stage.get("params", [])}
    idle = [
        leaf
        for leaf in leaves()
        if leaf not in named and leaf.split(".")[0] not in named and leaf not in config.MACHINE_KEYS
    ]
    assert idle == []


@pytest.mark.parametrize("stage", ["hash", "compare", "label"])
def test_stage_lists_the_parameters_that_it_reads(stage):
    read = _read_parameters(SRC / "backlabel" / "stages" / f"{stage}.py")
    named = STAGES[stage]["params"]
    missing = [
        name
        for name in sorted(read - config.MACHINE_KEYS)
        if name not in named and name.split(".")[0] not in named
    ]
    assert missing == []


def test_label_lists_what_its_manifest_digests():
    """`config.digest` stands in the manifest: the stage must run when anything in it changes."""
    settled = config.settled(config.load(ROOT / "params.yaml"))
    named = STAGES["label"]["params"]
    assert [name for name in settled if name not in named and name.split(".")[0] not in named] == []


def _read_parameters(path: Path) -> set[str]:
    """The parameters named as `params.section.key` or `section.key` in a stage's code."""
    known = set(leaves())
    texts = {
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    return {text.removeprefix("self.").removeprefix("params.") for text in texts} & known


def test_track_reports_every_parameter():
    named = STAGES["track"]["params"]
    missing = [
        leaf
        for leaf in leaves()
        if leaf not in named and leaf.split(".")[0] not in named and leaf not in config.MACHINE_KEYS
    ]
    assert missing == []
