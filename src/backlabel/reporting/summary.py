"""Metrics of a mapping: counts, rates, distributions, and how well it meets known pairs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from backlabel.storage import tables
from backlabel.storage.frames import frame
from backlabel.storage.rows import Match, TruePair, Verdict

QUANTILES = (0.05, 0.25, 0.75, 0.95)
SSIM_CLASSES = ("below_0.70", "0.70_to_0.85", "0.85_to_0.95", "above_0.95")
"""As the documentation groups them; lower bounds belong to a class, but 0.95 is not above 0.95."""
_BOUNDS = (-np.inf, 0.70, 0.85, np.nextafter(0.95, 1), np.inf)


def known_pairs(path: Path, looked_at: Collection[str]) -> list[TruePair] | None:
    """The true pairs of the list `path` whose JPEG is in `looked_at`; None where there is no list.

    A run over one category (`hash.category`) can find no pair of another: those do not count.
    """
    if not path.exists():
        return None
    pairs = tables.read(
        path, TruePair, optional=["page"], remedy="It is written by hand: mend it there."
    )
    return [pair for pair in pairs if pair.JPEG_path in looked_at]


def summarise(rows: Sequence[Match], truth: Sequence[TruePair] | None) -> dict[str, object]:
    """All metrics of a mapping; `truth` adds precision and recall."""
    table = frame(Match, rows)
    matched = table[table["verdict"] == Verdict.MATCHED]
    metrics: dict[str, object] = {
        "tiffs": len(table),
        "matched": len(matched),
        "match_rate": share(len(matched), len(table)),
        "verdicts": {
            verdict.replace(" ", "_"): int((table["verdict"] == verdict).sum())
            for verdict in Verdict
        },
        "labels": {
            str(name): int(count)
            for name, count in matched["category"].value_counts().sort_index().items()
        },
        "ssim_computed": int(table["used_ssim"].sum()),
        "ssim_classes": ssim_classes(table["ssim_value"]),
        "matched_hamming": distribution(matched["hamming_distance"]),
        "matched_ssim": distribution(matched["ssim_value"]),
    }
    if truth is not None:
        metrics["truth"] = accuracy(rows, truth)
    return metrics


def distribution(values: pd.Series[float]) -> dict[str, float]:
    """Mean, median, extremes and quantiles of what is not missing; empty where all is."""
    known = values.dropna()
    if known.empty:
        return {}
    quantiles = {f"q{round(100 * q):02d}": float(known.quantile(q)) for q in QUANTILES}
    named = {name: float(known.agg(name)) for name in ("mean", "median", "min", "max")}
    return named | quantiles


def ssim_classes(values: pd.Series[float]) -> dict[str, int]:
    """How many values fall in each class; missing ones fall in none."""
    classes = pd.cut(values, _BOUNDS, right=False, labels=SSIM_CLASSES)
    return {name: int((classes == name).sum()) for name in SSIM_CLASSES}


def accuracy(rows: Sequence[Match], truth: Sequence[TruePair]) -> dict[str, float]:
    """Precision and recall of matched pairs and of labels, over the pictures that were compared.

    True are a TIFF, or a page of it where the list names one. Precision over no match, and recall
    over no true pair, are 1: nothing wrong, nothing missed.
    """
    table, true = frame(Match, rows), frame(TruePair, truth)
    matched = table[table["verdict"] == Verdict.MATCHED]
    pairs, labels = _true(matched, true, "JPEG_path"), _true(matched, true, "category")
    right, right_labels = _count(pairs, "page"), _count(labels, "page")
    true_pairs = _count(_true(table, true), "page_true")
    return {
        "true_pairs": true_pairs,
        "right_pairs": right,
        "wrong_pairs": len(matched) - right,
        "wrong_labels": len(matched) - right_labels,
        "precision": share(right, len(matched), empty=1.0),
        "recall": share(_count(pairs, "page_true"), true_pairs, empty=1.0),
        "label_precision": share(right_labels, len(matched), empty=1.0),
        "label_recall": share(_count(labels, "page_true"), true_pairs, empty=1.0),
    }


def _true(table: pd.DataFrame, true: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows of `table` that agree with one of `true` in TIFF, page and `columns`."""
    both = table.merge(true, on=["TIFF_path", *columns], suffixes=("", "_true"))
    return both[both["page_true"].isna() | (both["page_true"] == both["page"])]


def _count(table: pd.DataFrame, page: str) -> int:
    """The pictures of `table`, told apart by TIFF and the column `page`."""
    return len(table.drop_duplicates(["TIFF_path", page]))


def share(part: int, whole: int, *, empty: float = 0.0) -> float:
    """`part / whole`, or `empty` where there is no whole."""
    return part / whole if whole else empty
