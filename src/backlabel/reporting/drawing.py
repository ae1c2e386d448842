"""All plots of a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backlabel.reporting import plots
from backlabel.storage.frames import frame
from backlabel.storage.rows import Match, SweepPoint

_Plot = tuple[str, tuple[Any, ...]]
"""Name of a function of `plots`, and its arguments."""


_HISTOGRAMS = {"hamming_distance": "hamming", "ssim_value": "ssim"}
_HISTOGRAMS_OF_COMBINED = {
    "explained": "explained",
    "spoke": "spoke",
}
_SSIM_OVER_HAMMING = ("hamming_distance", "ssim_value", "ssim_over_hamming.png")
_EXPLAINED_OVER_SSIM = ("ssim_value", "explained", "explained_over_ssim.png")
_ON_SCORES = {
    "seed": (),
    "ssim": ("min_ssim",),
    "combined": ("min_explained", "min_spoke"),
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
    pairs = [_SSIM_OVER_HAMMING, *([_EXPLAINED_OVER_SSIM] if combined else [])]
    wanted += [("scatter", (table, limits, x, y, folder / name)) for x, y, name in pairs]
    for name, points in frame(SweepPoint, sweep).groupby("threshold", sort=False):
        chosen = float(parameters[str(name)])
        wanted.append(("sweep_curve", (points, chosen, folder / f"sweep_{name}.png")))
    for name, arguments in wanted:
        getattr(plots, name)(*arguments)
