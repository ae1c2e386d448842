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


def modules_of(name: str) -> set[Path]:
    """All files of this package that importing the module `name` runs."""
    found: set[Path] = set()
    waiting = [".".join(name.split(".")[: i + 1]) for i in range(name.count(".") + 1)]
    while waiting:
        path = _file(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting += _imports(path)
    return found


def _file(module: str) -> Path | None:
    path = SRC.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


def _imports(path: Path) -> list[str]:
    stub = path.with_suffix(".pyi")  # of a package whose modules are imported when they are used
    names = []
    for node in ast.parse((stub if stub.exists() else path).read_text()).body:
        # Not those inside of functions: these are other stages'.
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = ".".join(path.relative_to(SRC).parts[:-1])
            module = f"{package}.{node.module}" if node.level else node.module
            names.append(module)
            names += [f"{module}.{alias.name}" for alias in node.names]
    ours = [name for name in names if name.split(".")[0] == "backlabel"]
    # Importing a.b.c runs a and a.b too.
    return [".".join(name.split(".")[: i + 1]) for name in ours for i in range(name.count(".") + 1)]


def run_by(stage: str) -> set[Path]:
    """All files of this package that a stage runs, in its own process and in its workers."""
    names = ["backlabel.__main__", "backlabel.config", f"backlabel.stages.{stage}"]
    return set().union(*map(modules_of, names))


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_is_a_dependency(stage):
    run = run_by(stage)
    named = [ROOT / dep for dep in STAGES[stage]["deps"]]
    missing = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(run)
        if not any(path == dep or dep in path.parents for dep in named)
    ]
    assert missing == []


@pytest.mark.parametrize("stage", STAGES)
def test_no_dependency_on_code_that_is_not_run(stage):
    run = run_by(stage)
    idle = [
        dep
        for dep in STAGES[stage]["deps"]
        if dep.startswith("src/")
        and not any(path == ROOT / dep or ROOT / dep in path.parents for path in run)
    ]
    assert idle == []


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
