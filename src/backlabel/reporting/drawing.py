"""All plots of a mapping, drawn side by side in processes that have matplotlib already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from backlabel.storage.rows import Match, SweepPoint
from backlabel.workers.pool import CONTEXT

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
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=CONTEXT) as pool:
        for done in [pool.submit(_draw, plot) for plot in wanted]:
            done.result()


def _draw(plot: _Plot) -> None:
    # Imported in the process that draws: the one that compares never needs matplotlib.
    from backlabel.reporting import plots  # noqa: PLC0415

    name, arguments = plot
    getattr(plots, name)(*arguments)
