"""The plots of a mapping: every one is written, from the numbers alone, and errors come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backlabel.errors import OutputError
from backlabel.reporting.drawing import write_all
from backlabel.storage.rows import Match, SweepPoint, Verdict

LIMITS = {"hamming_threshold": 150, "ssim_hamming_threshold": 120, "min_ssim": 0.7}
MATCHED = Match(
    TIFF_file="a.tif",
    TIFF_path="a.tif",
    hamming_distance=6,
    ssim_value=0.9,
    used_ssim=True,
    verdict=Verdict.MATCHED,
)
ROWS = [MATCHED, replace(MATCHED, hamming_distance=130, ssim_value=None, used_ssim=False)]
POINTS = [
    SweepPoint(name, value, value / 200, None, None)
    for name in ("hamming_threshold", "ssim_hamming_threshold")
    for value in range(0, 200, 20)
]
NAMES = {
    "hamming_histogram",
    "ssim_histogram",
    "ssim_over_hamming",
    "sweep_hamming_threshold",
    "sweep_ssim_hamming_threshold",
}


def drawn(folder, limits=LIMITS):
    write_all(ROWS, POINTS, limits, folder)
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def plots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    return folder, drawn(folder)


def test_every_plot_is_written_as_a_picture(plots):
    folder, found = plots
    assert found.keys() == NAMES
    for name in NAMES:
        with Image.open(folder / f"{name}.png") as image:
            assert image.size == (770, 462)
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_the_same_numbers_give_the_same_bytes(plots, tmp_path):
    assert drawn(tmp_path) == plots[1]


def test_a_threshold_is_seen_where_it_counts(plots, tmp_path):
    found = drawn(tmp_path, LIMITS | {"hamming_threshold": 60})
    assert {name for name in NAMES if found[name] != plots[1][name]} == {
        "hamming_histogram",
        "sweep_hamming_threshold",
    }


def test_what_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "plots").write_text("a file stands where the folder would go")
    with pytest.raises(OutputError, match="plots"):
        write_all(ROWS, POINTS, LIMITS, tmp_path / "plots")
