"""A stage that finds everything kept imports nothing that reads, computes or draws."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workspace

pytestmark = pytest.mark.slow

HEAVY = {
    *("torch", "numba", "llvmlite", "scipy", "skimage", "faiss", "cv2"),
    *("pandas", "matplotlib", "mlflow", "sqlalchemy", "hydra", "dask", "distributed"),
    *("PIL", "tifffile", "imagecodecs", "simplejpeg"),
}
SCRIPT = """
import sys
from backlabel import cli
assert cli.main([sys.argv[1]]) == 0
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A workspace in which all stages but the last have run."""
    root = tmp_path_factory.mktemp("imports") / "work"
    workspace.make(root, [(f"a/{seed}.tif", "L9", seed) for seed in range(3)])
    for stage in ("hash", "compare", "label"):
        status, told = workspace.run(root, stage)
        assert status == 0, told
    return root


@pytest.mark.parametrize("stage", ["compare", "label"])
def test_what_is_kept_is_not_computed_and_nothing_is_imported_for_it(done, stage):
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, stage],
        cwd=done,
        capture_output=True,
        text=True,
        check=True,
        env=workspace.environment(),
    )
    assert HEAVY & {*found.stdout.splitlines()[-1].split()} == set()


@pytest.mark.parametrize("stage", ["hash", "compare", "label", "track"])
def test_a_stage_itself_imports_nothing_heavy(stage):
    script = f"import sys, backlabel.stages.{stage}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=workspace.environment(),
    )
    assert HEAVY & {*found.stdout.split()} == set()
