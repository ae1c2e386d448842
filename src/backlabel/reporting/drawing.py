"""All plots of a mapping, drawn side by side in worker processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backlabel.errors import OutputError, UnreadableImageError
from backlabel.storage.frames import frame
from backlabel.storage.rows import Match, SweepPoint
from backlabel.workers import pool

_MAX_SECONDS = 300.0  # a plot takes one; more means that it hangs
_MAX_MEMORY_MIB = 4096
_Plot = tuple[str, tuple[Any, ...]]
"""Name of a function of `plots`, and its arguments."""


_HISTOGRAMS = {"hamming_distance": "hamming", "ssim_value": "ssim"}
_HISTOGRAMS_OF_COMBINED = {
    "noise_correlation": "noise_correlation",
    "ssim_matched": "ssim_matched",
}
_SSIM_OVER_HAMMING = ("hamming_distance", "ssim_value", "ssim_over_hamming.png")
_MATCHED_OVER_NOISE = (
    "noise_correlation",
    "ssim_matched",
    "ssim_matched_over_noise_correlation.png",
)
_ON_SCORES = {
    "seed": (),
    "ssim": ("min_ssim",),
    "combined": ("min_noise_correlation", "min_ssim_matched"),
}
"""The limits on scores that each rule asks for; every rule asks for the two on Hamming distance."""


def write_all(
    rows: Sequence[Match],
    sweep: Sequence[SweepPoint],
    parameters: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write every plot of a mapping to `folder`; `parameters` are those of section `compare`.

    Only limits that the rule asks for are drawn: a line that decided nothing would mislead.
    """
    names = ("hamming_threshold", "ssim_hamming_threshold", *_ON_SCORES[parameters["rule"]])
    limits = {name: float(parameters[name]) for name in names}
    table = frame(Match, rows)
    combined = parameters["rule"] == "combined"
    wanted: list[_Plot] = [
        ("histogram", (table, limits, score, folder / f"{name}_histogram.png"))
        for score, name in (_HISTOGRAMS | (_HISTOGRAMS_OF_COMBINED if combined else {})).items()
    ]
    pairs = [_SSIM_OVER_HAMMING, *([_MATCHED_OVER_NOISE] if combined else [])]
    wanted += [("scatter", (table, limits, x, y, folder / name)) for x, y, name in pairs]
    for name, points in frame(SweepPoint, sweep).groupby("threshold", sort=False):
        chosen = float(parameters[str(name)])
        wanted.append(("sweep_curve", (points, chosen, folder / f"sweep_{name}.png")))
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
