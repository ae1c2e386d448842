"""Plots as PNG files: the same bytes from the same numbers, and readable without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Match, SweepPoint, Verdict

_SIZE = (7.0, 4.2)  # inches
_SIZE_OF_FOUR = (11.0, 7.4)
_DPI = 110
_AXES = (0.1, 0.13, 0.87, 0.83)  # left, bottom, width, height: to fit them would draw all twice
_COLOURS = {
    Verdict.MATCHED: "tab:green",
    Verdict.AMBIGUOUS: "tab:orange",
    Verdict.TOO_DIFFERENT: "tab:red",
    Verdict.NOT_VERIFIED: "tab:purple",
    Verdict.NO_CANDIDATE: "tab:gray",
    Verdict.UNREADABLE: "black",
}


def histogram(rows: Sequence[Match], limits: Mapping[str, float], score: str, path: Path) -> None:
    """The distribution of one score over the best candidate of each TIFF, coloured by verdict."""
    figure, axes = _figure()
    is_hamming = score == "hamming_distance"
    values = {
        verdict: [
            getattr(row, score) for row in rows if row.verdict is verdict and _has(row, score)
        ]
        for verdict in Verdict
    }
    shown = {verdict: found for verdict, found in values.items() if found}
    edges = np.linspace(0, 520, 53) if is_hamming else np.linspace(-0.04, 1, 53)
    below = np.zeros(len(edges) - 1, np.int64)
    for verdict, found in shown.items():
        counts, _ = np.histogram(found, edges)
        # One outline each: a rectangle a bin takes three times as long to draw.
        axes.stairs(
            below + counts,
            edges,
            baseline=below,
            fill=True,
            color=_COLOURS[verdict],
            label=verdict.value,
        )
        below = below + counts
    names = ("hamming_threshold", "ssim_hamming_threshold") if is_hamming else ("min_ssim",)
    _mark(axes, {name: limits[name] for name in names})
    axes.set_xlabel(
        "Hamming distance (bits of 1,024)" if is_hamming else "SSIM (standardised images)"
    )
    axes.set_ylabel("TIFFs")
    axes.legend()
    _save(figure, path)


def scatter(rows: Sequence[Match], limits: Mapping[str, float], path: Path) -> None:
    """SSIM over Hamming distance of each TIFF whose SSIM was computed."""
    figure, axes = _figure()
    for verdict in Verdict:
        found = [row for row in rows if row.verdict is verdict and row.ssim_value is not None]
        if found:
            x = [float(row.hamming_distance or 0) for row in found]
            y = [float(row.ssim_value or 0) for row in found]
            axes.scatter(x, y, s=18, color=_COLOURS[verdict], label=verdict.value)
    axes.axhline(limits["min_ssim"], color="black", linestyle=":", label="min_ssim")
    axes.set_xlabel("Hamming distance (bits of 1,024)")
    axes.set_ylabel("SSIM (standardised images)")
    axes.legend()
    _save(figure, path)


def sweep_curve(points: Sequence[SweepPoint], chosen: float, path: Path) -> None:
    """Match rate, and precision and recall where known, over the values of one threshold."""
    figure, axes = _figure()
    x = [point.value for point in points]
    axes.plot(x, [point.match_rate for point in points], label="match rate")
    for name in ("precision", "recall"):
        y = [getattr(point, name) for point in points]
        if None not in y:
            axes.plot(x, y, label=name, linestyle="--")
    _mark(axes, {points[0].threshold: chosen})
    axes.set_xlabel(points[0].threshold)
    axes.set_ylim(-0.03, 1.03)
    axes.legend()
    _save(figure, path)


@dataclass(frozen=True)
class Curve:
    """Precision and recall over the values of one threshold, and the value that was chosen.

    `intervals` are those of the precision: low and high ends.
    """

    threshold: str
    values: Sequence[float]
    precision: Sequence[float]
    intervals: Sequence[tuple[float, float]]
    recall: Sequence[float]
    chosen: float


def calibration(curves: Sequence[Curve], wanted_precision: float, path: Path) -> None:
    """Up to four curves in one image, the chosen values and the wanted precision marked."""
    figure = Figure(figsize=_SIZE_OF_FOUR, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    for place, curve in enumerate(curves, start=1):
        _calibration_curve(figure.add_subplot(2, 2, place), curve, wanted_precision)
    _save(figure, path)


def _calibration_curve(axes: Axes, curve: Curve, wanted_precision: float) -> None:
    axes.plot(curve.values, curve.precision, label="precision", color="tab:green")
    low, high = zip(*curve.intervals, strict=True)
    axes.fill_between(curve.values, low, high, color="tab:green", alpha=0.2, linewidth=0)
    axes.plot(curve.values, curve.recall, label="recall", color="tab:blue", linestyle="--")
    axes.axhline(wanted_precision, color="tab:red", linewidth=0.8, label=f"{wanted_precision:g}")
    _mark(axes, {curve.threshold: curve.chosen})
    axes.set_xlabel(curve.threshold)
    axes.set_ylim(-0.03, 1.03)
    axes.legend(loc="lower center")


def _has(row: Match, score: str) -> bool:
    return getattr(row, score) is not None


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure, figure.add_axes(_AXES)


def _mark(axes: Axes, limits: Mapping[str, float]) -> None:
    for style, (name, value) in zip((":", "-."), limits.items(), strict=False):
        axes.axvline(value, color="black", linestyle=style, label=f"{name} = {value:g}")


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path, "wb") as file:
        # Without the software tag, two patch releases of matplotlib write the same bytes. Packing
        # harder takes a quarter of all drawing and saves a few kB.
        figure.savefig(
            file, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 1}
        )
