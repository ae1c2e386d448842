"""A folder with images of both sides, as somebody has them who knows nothing of backlabel."""

from __future__ import annotations

import os

import pytest
from PIL import Image

import workspace


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with two originals below raw/ and a copy of each below published/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for number, category in enumerate(["Wood", "Öl film"]):
        image = Image.fromarray(workspace.picture(number))
        for name in (f"raw/run/{number}.tif", f"published/{category}/{number}.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            image.save(tmp_path / name)
    return tmp_path
