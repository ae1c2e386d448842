"""What the pipeline's tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def committed(reproduced, tmp_path_factory):
    """A clone whose results are committed, so that Git says what a test changes. Copy it."""
    clone = reproduced.copy(tmp_path_factory.mktemp("committed") / "backlabel")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "-q", "--allow-empty", "-m", "Results")
    return clone


@pytest.fixture(scope="session")
def experimented(reproduced, tmp_path_factory):
    """A clone with one experiment beside what is committed. Not to be changed: copy it."""
    clone = reproduced.copy(tmp_path_factory.mktemp("experimented") / "backlabel")
    clone.run("dvc", "exp", "run", "-n", "stricter", "-S", "compare.hamming_threshold=10")
    return clone
