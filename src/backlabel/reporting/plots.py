"""Plots as PNG files: the same bytes from the same numbers, and readable without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Verdict

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


@dataclass(frozen=True)
class _Score:
    """A score's name on its axis, the bins of its histogram, and the limits that it is held to."""

    name: str
    edges: NDArray[np.float64]
    limits: Sequence[str]


_BINS = np.linspace(-0.04, 1, 53)
_SCORES = {
    "hamming_distance": _Score(
        "Hamming distance (bits of 1,024)",
        np.linspace(0, 520, 53),
        ("hamming_threshold", "ssim_hamming_threshold"),
    ),
    "ssim_value": _Score("SSIM (standardised images)", _BINS, ["min_ssim"]),
    "explained": _Score("explained share of the JPEG", _BINS, ["min_explained"]),
    "spoke": _Score("share of the picture that spoke", _BINS, ["min_spoke"]),
}


def histogram(table: pd.DataFrame, limits: Mapping[str, float], score: str, path: Path) -> None:
    """The distribution of one score over the best candidate of each TIFF, coloured by verdict.

    `table` holds rows of Match; of `limits`, those in force, the ones on this score are marked.
    """
    figure, axes = _figure()
    shown = _SCORES[score]
    below = np.zeros(len(shown.edges) - 1, np.int64)
    for verdict, rows in _by_verdict(table, score):
        counts, _ = np.histogram(rows[score].to_numpy(np.float64), shown.edges)
        # One outline each: a rectangle a bin takes three times as long to draw.
        axes.stairs(
            below + counts,
            shown.edges,
            baseline=below,
            fill=True,
            color=_COLOURS[verdict],
            label=verdict.value,
        )
        below = below + counts
    _mark(axes.axvline, limits, shown.limits)
    axes.set_xlabel(shown.name)
    axes.set_ylabel("TIFFs")
    _save(figure, axes, path)


def scatter(table: pd.DataFrame, limits: Mapping[str, float], x: str, y: str, path: Path) -> None:
    """Score `y` over score `x` of each TIFF that has both, with the limits in force on each."""
    figure, axes = _figure()
    for verdict, rows in _by_verdict(table, x, y):
        axes.scatter(rows[x], rows[y], s=18, color=_COLOURS[verdict], label=verdict.value)
    _mark(axes.axvline, limits, _SCORES[x].limits)
    _mark(axes.axhline, limits, _SCORES[y].limits)
    axes.set_xlabel(_SCORES[x].name)
    axes.set_ylabel(_SCORES[y].name)
    _save(figure, axes, path)


def _by_verdict(table: pd.DataFrame, *scores: str) -> Iterator[tuple[Verdict, pd.DataFrame]]:
    known = table.dropna(subset=list(scores))
    for verdict in Verdict:
        rows = known[known["verdict"] == verdict]
        if len(rows):
            yield verdict, rows


def sweep_curve(points: pd.DataFrame, chosen: float, path: Path) -> None:
    """Match rate, and precision and recall where known, over the values of one threshold.

    `points` holds rows of SweepPoint, all of one threshold.
    """
    figure, axes = _figure()
    for name in ("match_rate", "precision", "recall"):
        if points[name].notna().all():
            style = "-" if name == "match_rate" else "--"
            axes.plot(points["value"], points[name], style, label=name.replace("_", " "))
    threshold = points["threshold"].iloc[0]
    _mark(axes.axvline, {threshold: chosen}, [threshold])
    axes.set_xlabel(threshold)
    axes.set_ylim(-0.03, 1.03)
    _save(figure, axes, path)


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
    _write(figure, path)


def _calibration_curve(axes: Axes, curve: Curve, wanted_precision: float) -> None:
    axes.plot(curve.values, curve.precision, label="precision", color="tab:green")
    low, high = zip(*curve.intervals, strict=True)
    axes.fill_between(curve.values, low, high, color="tab:green", alpha=0.2, linewidth=0)
    axes.plot(curve.values, curve.recall, label="recall", color="tab:blue", linestyle="--")
    axes.axhline(wanted_precision, color="tab:red", linewidth=0.8, label=f"{wanted_precision:g}")
    _mark(axes.axvline, {curve.threshold: curve.chosen}, [curve.threshold])
    axes.set_xlabel(curve.threshold)
    axes.set_ylim(-0.03, 1.03)
    axes.legend(loc="lower center")


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure, figure.add_axes(_AXES)


def _mark(line: Callable[..., object], limits: Mapping[str, float], names: Sequence[str]) -> None:
    for style, name in zip((":", "-."), names, strict=False):
        if name in limits:
            line(limits[name], color="black", linestyle=style, label=f"{name} = {limits[name]:g}")


def _save(figure: Figure, axes: Axes, path: Path) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    with atomic_write(path, "wb") as file:
        # Without the software tag, two patch releases of matplotlib write the same bytes. Packing
        # harder takes a quarter of all drawing and saves a few kB.
        figure.savefig(
            file, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 1}
        )
