"""The files by which others build, test, cite and report say what is so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import check_jsonschema
import pytest
from ruamel.yaml import YAML

import backlabel
from clones import ROOT
from test_architecture import declared

SCHEMAS = {
    ".github/workflows/ci.yml": "github-workflows",
    ".github/dependabot.yml": "dependabot",
    ".github/ISSUE_TEMPLATE/bug.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/idea.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
    ".gitlab-ci.yml": "gitlab-ci",
    "CITATION.cff": "citation-file-format",
}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def read(name):
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text())


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_services_can_read_their_files(name, schema, capsys):
    """By the services' own schemas, which check-jsonschema brings with it."""
    with pytest.raises(SystemExit) as ended:
        check_jsonschema.main([f"--builtin-schema=vendor.{schema}", str(ROOT / name)])
    assert ended.value.code == 0, capsys.readouterr()


def test_both_services_run_the_one_script_on_every_python():
    github = read(".github/workflows/ci.yml")["jobs"]["test"]
    gitlab = read(".gitlab-ci.yml")["test"]
    assert [step["run"] for step in github["steps"] if "run" in step] == [".ci/run"]
    assert gitlab["script"] == [".ci/run"]
    assert github["strategy"]["matrix"]["python"] == PYTHONS
    assert gitlab["parallel"]["matrix"] == [{"PYTHON_VERSION": PYTHONS}]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_program_that_cannot_be_installed_does_not_stop_ci(tmp_path):
    """With an apt-get that always fails, and a make that says what it was asked for."""
    for name, line in {"apt-get": "exit 100", "make": 'echo "make $*"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    bash, script = str(tmp_path / "bash"), str(ROOT / ".ci/run")
    environment = {"PATH": str(tmp_path)}
    done = subprocess.run([bash, script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "No chromium: its tests will be skipped." in done.stdout
    assert done.stdout.splitlines()[-1] == "make test"


def test_hooks_call_the_tools_of_make_check():
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    tools = {hook["entry"].split()[0] for hook in repository["hooks"]}
    assert tools == {".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/backlabel"}


def test_citation_is_of_this_version():
    found = read("CITATION.cff")
    assert found["version"] == backlabel.__version__
    assert (
        found["license"]
        == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    )


def pinned(name):
    """Versions by canonical name; without the suffix of a local build."""
    found = re.findall(r"(?m)^([\w.-]+)==([^\s+]+)", (ROOT / name).read_text())
    return {re.sub(r"[-_.]+", "-", one).lower(): version for one, version in found}


def test_lock_has_the_versions_of_the_constraints():
    locked, constrained = pinned("requirements.lock"), pinned("constraints.txt")
    differing = {
        name: (version, constrained[name])
        for name, version in locked.items()
        if name in constrained and constrained[name] != version
    }
    assert differing == {}


def test_lock_has_a_hash_for_everything():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    assert [
        row for row in rows if not re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", row)
    ] == []


def test_report_of_pip_becomes_a_lock():
    program = "import json, lock, sys; sys.stdout.write(lock.lock(json.load(sys.stdin)))"
    report = {
        "environment": {"python_version": "3.11"},
        "install": [
            {
                "metadata": {"name": "b", "version": "2"},
                "download_info": {"archive_info": {"hashes": {"sha256": "0f"}}},
            },
            {"metadata": {"name": "a", "version": "1"}, "download_info": {"dir_info": {}}},
        ],
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "scripts",
        input=json.dumps(report),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0].startswith("# Of CPython 3.11, ")
    assert done.stdout.splitlines()[2:] == ["b==2 --hash=sha256:0f"]


def dockerfile():
    """Instructions and their arguments, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_dockerfile_can_be_read():
    """Tests need no container engine: its scripts are shell, and what it asks for is there."""
    found = dockerfile()
    assert found[:2] == [("ARG", "BASE=debian:bookworm-slim"), ("FROM", "${BASE}")]
    assert {name for name, _ in found} <= {
        *("FROM", "RUN", "USER", "WORKDIR", "COPY", "ARG", "ENV", "CMD")
    }
    for _, script in (one for one in found if one[0] == "RUN"):
        subprocess.run(["sh", "-n", "-c", script], check=True)
    assert json.loads(dict(found)["CMD"]) == ["dvc", "repro"]
    assert "\ntorch==" in (ROOT / "constraints.txt").read_text()
    assert (ROOT / "data.dvc").exists()


def test_image_does_not_take_what_a_checkout_has_made():
    left_out = (ROOT / ".dockerignore").read_text().split()
    made = (ROOT / ".gitignore").read_text().split()
    assert {".venv", "data", "labeled", "dist", "site", ".dvc/cache"} <= set(left_out)
    assert "/.venv/" in made


def test_tools_of_the_recipes_are_declared():
    assert {"build", "twine", "pytest-cov", "mkdocs", "mkdocs-material"} <= declared(extras=True)
