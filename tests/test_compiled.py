"""Which change of a module makes a kept kernel worthless."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numba
import pytest

from backlabel.kernels import caching

KERNEL = "package/a/_kernel.py"
MODULES = [
    *("package/__init__.py", "package/a/__init__.py", "package/b/__init__.py"),
    *(KERNEL, "package/a/weights.py", "package/b/_vectors.py", "package/b/tables.py"),
    *("package/lanes.py", "package/cli.py"),
]


def stamp(root):
    caching.stamp.cache_clear()
    return caching.SharedCacheLocator(stamp, str(root / KERNEL)).get_source_stamp()


@pytest.fixture
def root(tmp_path):
    for module in MODULES:
        (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / module).write_text("x = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    "module",
    [KERNEL, "package/a/weights.py", "package/b/_vectors.py", "package/lanes.py"],
    ids=["itself", "beside it", "a private one elsewhere", "the vectors"],
)
def test_a_module_that_code_may_come_from_counts(root, module):
    before = stamp(root)
    (root / module).write_text("x = 2\n")
    assert stamp(root) != before


@pytest.mark.parametrize("module", ["package/b/tables.py", "package/cli.py"])
def test_other_modules_do_not(root, module):
    before = stamp(root)
    (root / module).write_text("x = 2\n")
    assert stamp(root) == before


def test_the_folder_does_not_count(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checkout"
    before = stamp(root)
    root.rename(elsewhere)
    assert stamp(elsewhere) == before


@pytest.fixture
def repository(tmp_path, monkeypatch):
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


def kept_by(function, path):
    return caching.SharedCacheLocator.from_function(function, str(path))


def test_kernels_of_others_are_left_to_numba(repository):
    ours = Path(caching.__file__).parent / "images" / "_kernels.py"
    assert kept_by(stamp, ours) is not None
    assert kept_by(stamp, repository / "somebody.py") is None
    assert kept_by(stamp, Path(numba.__file__).parent / "np" / "linalg.py") is None


def test_outside_of_a_repository_no_folder_is_left(repository):
    (repository / ".dvc").rmdir()
    assert kept_by(stamp, Path(caching.__file__).parent / "images" / "_kernels.py") is None
    assert [*repository.iterdir()] == []


SCRIPT = """
import backlabel, numba, numpy as np
import backlabel.images.luma

@numba.njit(cache=True)
def solved(a, b):
    return np.linalg.solve(a, b) @ np.ones(2) + a.sum()

print(solved(2 * np.eye(2), np.ones(2)))
"""


def test_a_kernel_of_others_that_calls_lapack_is_loaded_again(repository):
    (repository / "script.py").write_text(SCRIPT)
    for _ in ("compiled", "kept"):
        done = subprocess.run(
            [sys.executable, "script.py"], capture_output=True, text=True, check=True
        )
        assert done.stdout == "5.0\n"
    assert [*repository.glob("__pycache__/script.solved*.nbc")] != []
