"""scripts/draw_pair.py draws every pair of the mapping, or says why it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from PIL import Image

import workspace
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, Verdict

PAIRS = [("m 1.tif", "L9", 1), ("m 2.tif", "L9", 2), ("m 3.tif", "L1", 3)]


@pytest.fixture
def draw(tmp_path):
    workspace.make(tmp_path, PAIRS)
    _, _, (matched, far, alone) = workspace.write_tables(tmp_path, PAIRS)
    far = replace(
        far,
        verdict=Verdict.NO_CANDIDATE,
        ssim_value=None,
        used_ssim=False,
        label=None,
        category=None,
    )
    alone = replace(alone, JPEG_path=None, JPEG_file=None, reason="It holds too little.")
    tables.write(tmp_path / paths.mapping_path(None), Match, [matched, far, alone])

    def run(tiff):
        return subprocess.run(
            [sys.executable, str(workspace.ROOT / "scripts/draw_pair.py"), tiff, "out.png"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(workspace.ROOT / "src")},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize("name", ["m 1.tif", "m 2.tif"], ids=["matched", "without SSIM"])
def test_a_pair_is_drawn(draw, tmp_path, name):
    done = draw(f"data/tiff/{name}")
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (800, 344)


@pytest.mark.parametrize(
    ("name", "reason"), [("m 3.tif", "has no JPEG"), ("m 4.tif", "is not among the TIFFs")]
)
def test_what_cannot_be_drawn_is_said(draw, name, reason):
    done = draw(f"data/tiff/{name}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"data/tiff/{name}: {reason}")
