"""Metrics of a mapping: counts, rates, distributions, and how well it meets known pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backlabel.storage.rows import Match, TruePair, Verdict

QUANTILES = (0.05, 0.25, 0.75, 0.95)
# Name and lower bound, inclusive but for the first, as the documentation groups them.
SSIM_CLASSES = (
    ("above_0.95", 0.95),
    ("0.85_to_0.95", 0.85),
    ("0.70_to_0.85", 0.70),
    ("below_0.70", -np.inf),
)


def summarise(rows: Sequence[Match], truth: Sequence[TruePair] | None) -> dict[str, object]:
    """All metrics of a mapping; `truth` adds precision and recall."""
    matched = [row for row in rows if row.verdict is Verdict.MATCHED]
    hamming = [row.hamming_distance for row in matched if row.hamming_distance is not None]
    ssim = [row.ssim_value for row in matched if row.ssim_value is not None]
    verdicts = Counter(row.verdict for row in rows)
    metrics: dict[str, object] = {
        "tiffs": len(rows),
        "matched": len(matched),
        "match_rate": share(len(matched), len(rows)),
        "verdicts": {verdict.value.replace(" ", "_"): verdicts[verdict] for verdict in Verdict},
        "labels": dict(sorted(Counter(row.category for row in matched if row.category).items())),
        "ssim_computed": sum(row.used_ssim for row in rows),
        "ssim_classes": ssim_classes(
            [row.ssim_value for row in rows if row.ssim_value is not None]
        ),
        "matched_hamming": distribution(hamming),
        "matched_ssim": distribution(ssim),
    }
    if truth is not None:
        metrics["truth"] = accuracy(rows, truth)
    return metrics


def distribution(values: Sequence[float]) -> dict[str, float]:
    """Mean, median, extremes and quantiles; empty where there is no value."""
    if not values:
        return {}
    array: NDArray[np.float64] = np.asarray(values, np.float64)
    named = {f"q{round(100 * q):02d}": float(np.quantile(array, q)) for q in QUANTILES}
    return {
        "mean": float(array.mean()),
        "median": float(np.median(array)),
        "min": float(array.min()),
        "max": float(array.max()),
        **named,
    }


def ssim_classes(values: Sequence[float]) -> dict[str, int]:
    """How many values fall in each class; 0.95 itself is not above 0.95."""
    counts = {name: 0 for name, _ in SSIM_CLASSES}
    for value in values:
        best, *others = SSIM_CLASSES
        if value > best[1]:
            counts[best[0]] += 1
        else:
            counts[next(name for name, bound in others if value >= bound)] += 1
    return counts


def accuracy(rows: Sequence[Match], truth: Sequence[TruePair]) -> dict[str, float]:
    """Precision and recall of matched pairs and of labels, over the TIFFs that were compared.

    Precision over no match, and recall over no true pair, are 1: nothing wrong, nothing missed.
    """
    jpegs: dict[str, set[str]] = {}
    for pair in truth:
        jpegs.setdefault(pair.TIFF_path, set()).add(pair.JPEG_path)
    categories = {pair.TIFF_path: pair.category for pair in truth}
    matched = [row for row in rows if row.verdict is Verdict.MATCHED]
    right = sum(row.JPEG_path in jpegs.get(row.TIFF_path, ()) for row in matched)
    right_labels = sum(row.category == categories.get(row.TIFF_path) for row in matched)
    true_pairs = sum(row.TIFF_path in jpegs for row in rows)
    return {
        "true_pairs": true_pairs,
        "right_pairs": right,
        "wrong_pairs": len(matched) - right,
        "wrong_labels": len(matched) - right_labels,
        "precision": share(right, len(matched), empty=1.0),
        "recall": share(right, true_pairs, empty=1.0),
        "label_precision": share(right_labels, len(matched), empty=1.0),
        "label_recall": share(right_labels, true_pairs, empty=1.0),
    }


def share(part: int, whole: int, *, empty: float = 0.0) -> float:
    """`part / whole`, or `empty` where there is no whole."""
    return part / whole if whole else empty
