"""What plots are made of, as tables: DVC draws them, `backlabel plots` does, and so can anyone.

Drawing takes longer than comparing images whose scores are kept; a stage only counts.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Match, SweepPoint, Verdict

_BINS = [round(-0.04 + 0.02 * i, 2) for i in range(53)]
SCORES: Mapping[str, tuple[str, Sequence[float]]] = {
    "hamming": ("hamming_distance", [10 * i for i in range(53)]),
    "ssim": ("ssim_value", _BINS),
    "ssim_matched": ("ssim_matched", _BINS),
    "explained": ("explained", _BINS),
    "spoke": ("spoke", _BINS),
}
"""The column of a score by its name in plots, and the edges of the bins of its histogram."""


def write_all(rows: Sequence[Match], sweep: Sequence[SweepPoint], folder: Path) -> None:
    """Write counts of verdicts, histograms of scores, all scores, and a curve of each threshold."""
    verdicts = Counter(row.verdict for row in rows)
    _write(folder / "verdicts.csv", ["verdict", "tiffs"], ((one, verdicts[one]) for one in Verdict))
    for name, (score, edges) in SCORES.items():
        head = [score, "tiffs", *(verdict.replace(" ", "_") for verdict in Verdict)]
        _write(folder / f"{name}_histogram.csv", head, _histogram(rows, score, edges))
    scores = [score for score, _ in SCORES.values()]
    shown = ([*(getattr(row, score) for score in scores), row.verdict.value] for row in rows)
    _write(folder / "scores.csv", [*scores, "verdict"], shown)
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
    counts = []
    for verdict in Verdict:
        values = [getattr(row, score) for row in rows if row.verdict is verdict]
        known = np.array([value for value in values if value is not None], np.float64)
        counts.append(np.histogram(known, edges)[0].tolist())
    for lower, *own in zip(edges[:-1], *counts, strict=True):
        yield [lower, sum(own), *own]


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
