"""All plots of a mapping, drawn side by side in worker processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backlabel.errors import OutputError, UnreadableImageError
from backlabel.storage.rows import Match, SweepPoint
from backlabel.workers import pool

_MAX_SECONDS = 300.0  # a plot takes one; more means that it hangs
_MAX_MEMORY_MIB = 4096
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
    results = pool.map_files(
        _draw,
        wanted,
        workers=pool.cores(),
        max_seconds=_MAX_SECONDS,
        max_memory_mib=_MAX_MEMORY_MIB,
        what="plots",
        chunk=1,
    )
    for (_, arguments), result in results:
        if isinstance(result, UnreadableImageError):
            raise OutputError(f"{arguments[-1]}: could not be drawn ({result})")


def _draw(plot: _Plot) -> None:
    # Imported in the process that draws: the one that compares never needs matplotlib.
    from backlabel.reporting import plots  # noqa: PLC0415

    name, arguments = plot
    getattr(plots, name)(*arguments)
