"""What the pipeline's tests share."""

from __future__ import annotations

import shutil

import pytest

from clones import Clone, made_once


@pytest.fixture(scope="session")
def known(pulled, reproduced, tmp_path_factory):
    """As `pulled`, but what was computed and logged of its images is known. Copy it.

    `reproduced` alone computes the scores of the sample and makes an MLflow store.
    """

    def make(path):
        pulled.copy(path)
        shutil.copytree(reproduced.path / ".backlabel", path / ".backlabel")
        shutil.copy(reproduced.path / "mlflow.db", path)

    return Clone(made_once(tmp_path_factory, "known", make))


@pytest.fixture(scope="session")
def committed(reproduced, tmp_path_factory):
    """A clone whose results are committed, so that Git says what a test changes. Copy it."""

    def make(path):
        clone = reproduced.copy(path)
        clone.run("git", "add", "--all")
        clone.run("git", "commit", "-q", "--allow-empty", "-m", "Results")

    return Clone(made_once(tmp_path_factory, "committed", make))


@pytest.fixture(scope="session")
def experimented(reproduced, tmp_path_factory):
    """A clone with one experiment beside what is committed. Not to be changed: copy it."""

    def make(path):
        command = ["dvc", "exp", "run", "-n", "stricter", "-S", "compare.hamming_threshold=10"]
        clone = reproduced.copy(path)
        # Of this code, whatever the results are of that the repository holds.
        clone.run("git", "commit", "-q", "--all", "--allow-empty", "-m", "Results")
        clone.run(*command)

    return Clone(made_once(tmp_path_factory, "experimented", make))
