"""What the pipeline's tests share."""

from __future__ import annotations

import pytest

from clones import Clone, made_once


@pytest.fixture(scope="session")
def experimented(reproduced, tmp_path_factory):
    """A clone with one experiment beside what is committed. Not to be changed: copy it."""

    def make(path):
        command = ["dvc", "exp", "run", "-n", "stricter", "-S", "compare.hamming_threshold=140"]
        reproduced.copy(path).run(*command)

    return Clone(made_once(tmp_path_factory, "experimented", make))
