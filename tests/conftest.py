"""What tests share: clones in which the pipeline has run, or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clones import Clone, clone_of_the_working_tree


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the whole pipeline has run. Not to be changed: copy it."""
    made = clone_of_the_working_tree(tmp_path_factory.mktemp("reproduced") / "backlabel")
    made.run("dvc", "pull", "-q", "data.dvc")
    made.run("dvc", "repro")
    return made


@pytest.fixture(scope="session")
def pulled(reproduced: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the sample data, and nothing run. Not to be changed: copy it."""
    made = clone_of_the_working_tree(tmp_path_factory.mktemp("pulled") / "backlabel")
    made.run("dvc", "pull", "-q", "data.dvc")
    # What was compiled for one clone need not be compiled for each: that alone takes most of a run.
    kernels = Path(".backlabel/kernels")
    shutil.copytree(reproduced.path / kernels, made.path / kernels)
    return made
