"""What a worker finds of a pair of files."""

from __future__ import annotations

import pytest
from published_parts import BEETLE, STEEL, figure, jpeg, original

import sample
import workspace
from backlabel.images import Limits, mosaic
from backlabel.parts.finder import Finder, Task


def test_a_mosaic_is_found_as_a_panel_in_the_pixels_that_are_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mosaic, "MOST_PIXELS", 100_000)  # of 640 x 480 every fourth stays
    shown = tmp_path / "figure.jpg"
    shown.write_bytes(jpeg(figure(original(BEETLE), original(STEEL))))
    finder = Finder(Limits(max_pixels=300_000, max_mosaic_pixels=400_000), "fast")
    tiff, copy = (workspace.tiff_hash(tmp_path, path) for path in (sample.tiffs()[BEETLE], shown))
    found = finder.part(Task(tiff, copy, finder.features(tiff), finder.features(copy)))
    assert found is not None
    assert found.placement.scale == pytest.approx(1.2, abs=0.01)
    assert found.placement.tiff_box == (0, 0, 320, 240)
    assert found.placement.tiff_covered > 0.98
