"""Throw-away clones of this repository in which real commands run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from backlabel.kernels.kept import VARIABLE

ROOT = Path(__file__).parents[1]


class Clone:
    """A throw-away clone of this repository in which real commands run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {
            # DVC's and make's own words to their children are not meant for commands in the clone:
            # under `make test`, a `make` there would say which folder it enters and leaves.
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("DVC_", "MAKE", "MFLAGS"))
            },
            # `python`, `dvc` and `mlflow` of the environment that runs the tests.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "HOME": str(path.parent),
            # Kernels are compiled once for all clones.
            VARIABLE: os.environ.get(VARIABLE) or platformdirs.user_cache_dir("backlabel"),
            # DVC finds the plugins of Hydra, and they this package, in the clone.
            "PYTHONPATH": str(path / "src"),
        }
        self.environment.pop("MLFLOW_TRACKING_URI", None)

    def run(
        self, *command: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess:
        """Run a command in the clone; its output is part of the failure if `check` fails."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=900,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def copy(self, path: Path) -> Clone:
        """Another clone in the same state."""
        shutil.copytree(self.path, path, symlinks=True)
        return Clone(path)


def clone_of_the_working_tree(path: Path) -> Clone:
    """The working tree as a repository of one commit: tests see the code that they stand in.

    `dvc exp run --temp` packs all that Git holds, each time: here neither what came before, nor
    the images of the DVC remote, which lie beside it.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # not removed in the working tree
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    made = Clone(path)
    made.run("git", "init", "-q")
    made.run("git", "config", "user.name", "Test")
    made.run("git", "config", "user.email", "test@example.org")
    (path / ".git/info/exclude").write_text("/sample-remote\n")
    made.run("git", "add", "--all")
    made.run("git", "commit", "-q", "-m", "Working tree")
    return made


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills once, for all processes among which the tests are divided."""
    own = factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = common / name / "backlabel", common / name / "done"
    with FileLock(common / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            folder.parent.mkdir()
            make(folder)
            done.touch()
    return folder
