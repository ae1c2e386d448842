"""All plots of a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backlabel.reporting import plots
from backlabel.storage.rows import Match, SweepPoint

_Plot = tuple[str, tuple[Any, ...]]
"""Name of a function of `plots`, and its arguments."""


def write_all(
    rows: Sequence[Match],
    sweep: Sequence[SweepPoint],
    limits: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write every plot of a mapping to `folder`; `limits` are the thresholds in force, by name."""
    wanted: list[_Plot] = [
        ("histogram", (rows, limits, "hamming_distance", folder / "hamming_histogram.png")),
        ("histogram", (rows, limits, "ssim_value", folder / "ssim_histogram.png")),
        ("scatter", (rows, limits, folder / "ssim_over_hamming.png")),
    ]
    for name in dict.fromkeys(point.threshold for point in sweep):
        points = [point for point in sweep if point.threshold == name]
        wanted.append(("sweep_curve", (points, limits[name], folder / f"sweep_{name}.png")))
    for name, arguments in wanted:
        getattr(plots, name)(*arguments)
