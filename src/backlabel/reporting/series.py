"""What plots are made of, as tables: DVC draws them, `backlabel plots` does, and so can anyone.

Drawing takes longer than comparing images whose scores are kept; a stage only counts.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from backlabel.storage import columns
from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Match, SweepPoint, Verdict

_BINS = [round(-0.04 + 0.02 * i, 2) for i in range(53)]
SCORES: Mapping[str, tuple[str, Sequence[float]]] = {
    "hamming": ("hamming_distance", [10 * i for i in range(53)]),
    "ssim": ("ssim_value", _BINS),
    "explained": ("explained", _BINS),
    "spoke": ("spoke", _BINS),
}
"""The column of a score by its name in plots, and the edges of the bins of its histogram."""
SCORED = tuple(column for column, _ in SCORES.values())


def write_all(rows: Sequence[Match], sweep: Sequence[SweepPoint], folder: Path) -> None:
    """Write counts of verdicts, histograms of scores, all scores, and a curve of each threshold."""
    verdicts = Counter(columns.values(rows, "verdict"))
    _write(folder / "verdicts.csv", ["verdict", "tiffs"], ((one, verdicts[one]) for one in Verdict))
    for name, (score, edges) in SCORES.items():
        head = [score, "tiffs", *(verdict.replace(" ", "_") for verdict in Verdict)]
        _write(folder / f"{name}_histogram.csv", head, _histogram(rows, score, edges))
    shown = [*SCORED, "verdict"]
    cells = (columns.values(rows, name) for name in shown)
    _write(folder / "scores.csv", shown, zip(*cells, strict=True))
    for threshold in dict.fromkeys(point.threshold for point in sweep):
        points = (
            [one.value, one.match_rate, one.precision, one.recall]
            for one in sweep
            if one.threshold == threshold
        )
        head = [threshold, "match_rate", "precision", "recall"]
        _write(folder / f"sweep_{threshold}.csv", head, points)


def _histogram(
    rows: Sequence[Match], score: str, edges: Sequence[float]
) -> Iterable[Sequence[object]]:
    """Each bin's lower edge, the TIFFs whose best candidate lies in it, and these by verdict."""
    known = {verdict: array("d") for verdict in Verdict}
    for verdict, value in zip(
        *(columns.values(rows, one) for one in ("verdict", score)), strict=True
    ):
        if value is not None:
            known[verdict].append(value)
    counts = [np.histogram(values, edges)[0].tolist() for values in known.values()]
    for lower, *own in zip(edges[:-1], *counts, strict=True):
        yield [lower, sum(own), *own]


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
