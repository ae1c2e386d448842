"""A project over which reports are written."""

from __future__ import annotations

import pytest

import workspace
from backlabel.storage import paths, tables
from backlabel.storage.rows import Passed, SweepPoint


@pytest.fixture
def project(tmp_path, monkeypatch):
    """What `workspace.make_decidable` makes, and one TIFF that could not be read."""
    workspace.make_decidable(tmp_path)
    bad = Passed("data/tiff/<b>.tif", "tiff", "truncated", "it ends before its pixels")
    tables.write(tmp_path / paths.UNREADABLE, Passed, [bad])
    points = [
        SweepPoint("hamming_threshold", value, share, None, None)
        for value, share in ((0.0, 0.0), (100.0, 0.5))
    ]
    tables.write(tmp_path / paths.SWEEP, SweepPoint, points)
    monkeypatch.chdir(tmp_path)
    return tmp_path
