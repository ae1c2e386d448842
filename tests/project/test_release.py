"""A release changes versions, dates the changelog and sets two tags, in a repository of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from clones import ROOT, Clone

FILES = ("scripts/release.py", "src/backlabel/__init__.py", "CITATION.cff", "CHANGELOG.md")


@pytest.fixture
def repository(tmp_path):
    made = Clone(tmp_path / "repository")
    for name in FILES:
        target = made.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (made.path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0 - unreleased\n\n- New.\n")
    made.run("git", "init", "-q")
    made.run("git", "config", "user.name", "Test")
    made.run("git", "config", "user.email", "test@example.org")
    made.run("git", "add", "--all")
    made.run("git", "commit", "-q", "-m", "Before")
    return made


def release(repository, *arguments):
    return repository.run(sys.executable, "scripts/release.py", *arguments, check=False)


def test_release(repository):
    assert release(repository, "prepare", "0.2.0").returncode == 0
    assert '\n__version__ = "0.2.0"\n' in (repository.path / FILES[1]).read_text()
    assert "\nversion: 0.2.0\n" in (repository.path / "CITATION.cff").read_text()
    assert "\n## 0.2.0 - 20" in (repository.path / "CHANGELOG.md").read_text()
    assert release(repository, "tag", "0.2.0").returncode == 0
    tags = repository.run("git", "for-each-ref", "refs/tags", "--format=%(refname) %(objecttype)")
    assert tags.stdout == "refs/tags/labeled@v0.2.0 tag\nrefs/tags/v0.2.0 tag\n"
    assert repository.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.parametrize("version", ["", "1", "v0.2.0", "0.2", "0.02.0"])
def test_version_that_is_none_is_refused(repository, version):
    done = release(repository, "prepare", version)
    assert done.returncode == 1
    assert "is no version such as 0.2.0" in done.stderr


def test_nothing_is_released_twice_or_with_changes(repository):
    (repository.path / "CITATION.cff").write_text("changed")
    assert "not committed" in release(repository, "prepare", "0.2.0").stderr
    repository.run("git", "checkout", "-q", "CITATION.cff")
    repository.run("git", "tag", "v0.2.0")
    assert "is there already" in release(repository, "prepare", "0.2.0").stderr


def test_changelog_without_anything_new_is_refused(repository):
    path = repository.path / "CHANGELOG.md"
    path.write_text("# Changelog\n\n## 0.1.0 - 2026-01-01\n\n- Old.\n")
    repository.run("git", "commit", "-q", "--all", "-m", "Released")
    assert "CHANGELOG.md: has no line like" in release(repository, "prepare", "0.2.0").stderr


def test_recipe_of_the_makefile():
    """In this order: nothing is tagged before everything was built and checked."""
    made = ["make", "-n", "-o", "install", "release", "VERSION=0.2.0"]
    done = subprocess.run(made, cwd=ROOT, capture_output=True, text=True, check=True)
    steps = [line for line in done.stdout.splitlines() if not line.startswith("echo")]
    wanted = [
        *("ruff check .", 'python scripts/release.py prepare "0.2.0"', "dvc repro", "dvc push"),
        *("twine check --strict dist/*", 'python scripts/release.py tag "0.2.0"'),
    ]
    places = [steps.index(step) for step in wanted]
    assert places == sorted(places)
