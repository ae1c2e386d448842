"""From the wheel alone: init, repro, push and load in an environment that has no checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import own_set
import sample
from clones import Clone, clone_of_the_working_tree, made_once

pytestmark = pytest.mark.pipeline
ROOT = Path(__file__).parents[2]


class Environment(Clone):
    """A folder in which commands run by an environment that holds the wheel."""

    def __init__(self, path: Path, programs: Path) -> None:
        super().__init__(path)
        del self.environment["PYTHONPATH"]
        self.environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def dvc(self, *arguments: str) -> str:
        done = self.run("python", "-m", "dvc", *arguments)
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built of a copy: the build leaves files behind."""

    def make(path):
        clone = clone_of_the_working_tree(path)
        build = "build", "--quiet", "--no-isolation", "--wheel", "--outdir", "made"
        clone.run(sys.executable, "-m", *build)

    (found,) = (made_once(tmp_path_factory, "wheel", make) / "made").glob("*.whl")
    return found


@pytest.fixture(scope="session")
def programs(wheel, tmp_path_factory):
    """The programs of a new environment: the wheel, and the libraries of this one beside it."""

    def make(path):
        venv.create(path, with_pip=False, symlinks=True)
        install = "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"
        pip = [sys.executable, "-m", "pip", "--python", str(path / "bin/python"), "install"]
        subprocess.run([*pip, "-q", *install, str(wheel)], check=True, capture_output=True)
        (site,) = path.glob("lib/python*/site-packages")
        libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (site / "libraries.pth").write_text("".join(f"{one}\n" for one in sorted(libraries)))

    return made_once(tmp_path_factory, "environment", make) / "bin"


@pytest.fixture
def here(tmp_path, programs):
    folder = tmp_path / "wood and steel"
    folder.mkdir()
    return Environment(folder, programs)


def test_the_wheel_holds_the_template_as_it_is_here(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.removeprefix("backlabel/project/template/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("backlabel/project/template/")
        }
    own = [ROOT / "dvc.yaml", *(path for path in (ROOT / "conf").rglob("*") if path.is_file())]
    assert inside == {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in own}


def test_a_new_users_set_in_five_commands(here, tmp_path):
    own_set.make(here.path)
    where = here.run("python", "-c", "import backlabel; print(backlabel.__file__)").stdout
    assert Path(where.strip()).is_relative_to(tmp_path.parent.parent)
    # The first command is `pip install`, which the fixture has run.
    here.run("backlabel", "init", "--yes", "--remote", str(tmp_path / "remote"))
    assert f"{own_set.COUNT} of {own_set.COUNT} originals labelled" in here.dvc("repro")
    here.dvc("push")
    load = (
        "import backlabel; s = backlabel.load('labeled'); print(len(s), s[9][0].shape, s.classes)"
    )
    told = here.run("python", "-c", load).stdout
    assert told == f"{own_set.COUNT} torch.Size([1, 384, 512]) {sorted(own_set.CATEGORIES)}\n"
    # Published: the set comes back from the remote.
    shutil.rmtree(here.path / "labeled")
    shutil.rmtree(here.path / ".dvc/cache")
    here.dvc("pull", "labeled")
    here.run("backlabel", "verify", "labeled")


def test_the_samples_images(here, reproduced):
    """The same settings find the same; that the wheel computes it the set above shows."""
    shutil.copytree(reproduced.path / ".backlabel/cache", here.path / ".backlabel/cache")
    for name, file in sample.files(("",)).items():
        (here.path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, here.path / "data" / name)
    told = here.run("backlabel", "init", "--yes").stdout
    assert "label scheme seed: by folder and prefix, 10 categories" in told
    here.dvc("repro", "label")
    theirs = reproduced.path / "metrics/compare.json"
    assert (here.path / "metrics/compare.json").read_text() == theirs.read_text()
    assert any((here.path / "labeled").glob("*/*.tif"))
