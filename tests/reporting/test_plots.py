"""The plots of a mapping: every one is written, from the numbers alone, and errors come back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from backlabel.errors import OutputError
from backlabel.reporting.drawing import write_all
from backlabel.storage.rows import Match, SweepPoint, Verdict

PARAMETERS = {
    "rule": "combined",
    "hamming_threshold": 150,
    "ssim_hamming_threshold": 120,
    "min_ssim": 0.7,
    "min_explained": 0.44,
    "min_spoke": 0.3,
}
MATCHED = Match(
    TIFF_file="a.tif",
    TIFF_path="a.tif",
    hamming_distance=6,
    ssim_value=0.9,
    explained=0.8,
    spoke=0.9,
    used_ssim=True,
    verdict=Verdict.MATCHED,
)
UNSCORED = Match(TIFF_file="b.tif", TIFF_path="b.tif", hamming_distance=130)
ROWS = [MATCHED, UNSCORED]
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
COMBINED = NAMES | {
    "explained_histogram",
    "spoke_histogram",
    "explained_over_ssim",
}


def drawn(folder, **others):
    write_all(ROWS, POINTS, PARAMETERS | others, folder)
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def plots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    return folder, drawn(folder)


def test_every_plot_is_written_as_a_picture(plots):
    folder, found = plots
    assert found.keys() == COMBINED
    for name in COMBINED:
        with Image.open(folder / f"{name}.png") as image:
            assert image.size == (770, 462)
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_the_same_numbers_give_the_same_bytes(plots, tmp_path):
    assert drawn(tmp_path) == plots[1]


def changed(plots, folder, **others):
    """The plots that look otherwise when one parameter has another value."""
    return {name for name, content in drawn(folder, **others).items() if content != plots[name]}


@pytest.mark.parametrize(
    ("limit", "value", "shown_by"),
    [
        ("hamming_threshold", 60, {*NAMES} - {"ssim_histogram", "sweep_ssim_hamming_threshold"}),
        ("min_explained", 0.6, COMBINED - NAMES - {"spoke_histogram"}),
        ("min_spoke", 0.6, {"spoke_histogram"}),
        ("min_ssim", 0.5, set()),
    ],
)
def test_a_limit_is_drawn_where_the_combined_rule_asks_for_it(
    plots, tmp_path, limit, value, shown_by
):
    assert changed(plots[1], tmp_path, **{limit: value}) == shown_by


@pytest.mark.parametrize(
    ("rule", "shown_by"), [("ssim", {"ssim_histogram", "ssim_over_hamming"}), ("seed", set())]
)
def test_min_ssim_is_drawn_under_its_own_rule_only(tmp_path, rule, shown_by):
    usual = drawn(tmp_path / "usual", rule=rule)
    assert usual.keys() == NAMES
    assert changed(usual, tmp_path / "other", rule=rule, min_ssim=0.5) == shown_by


def test_a_mapping_without_scores_has_its_plots_too(tmp_path):
    write_all([], [], PARAMETERS, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(COMBINED) - 2


def test_what_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "plots").write_text("a file stands where the folder would go")
    with pytest.raises(OutputError, match="plots"):
        write_all(ROWS, POINTS, PARAMETERS, tmp_path / "plots")
