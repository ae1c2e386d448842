"""Metrics of a mapping: counts, rates, distributions, and how well it meets known pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from backlabel.storage import columns, tables
from backlabel.storage.rows import Match, TruePair, Verdict

TRUE = ("TIFF_path", "page", "JPEG_path")
"""The columns that are held against a list of true pairs, `category` beside them."""
QUANTILES = (0.05, 0.25, 0.75, 0.95)
SSIM_CLASSES = ("below_0.70", "0.70_to_0.85", "0.85_to_0.95", "above_0.95")
"""As the documentation groups them; lower bounds belong to a class, but 0.95 is not above 0.95."""
_BOUNDS = (-np.inf, 0.70, 0.85, np.nextafter(0.95, 1), np.inf)


def known_pairs(path: Path, looked_at: Iterable[str]) -> list[TruePair] | None:
    """The true pairs of the list `path` whose JPEG is in `looked_at`; None where there is no list.

    A run over one category (`hash.category`) can find no pair of another: those do not count.
    """
    if not path.exists():
        return None
    pairs = tables.read(
        path, TruePair, optional=["page"], remedy="It is written by hand: mend it there."
    )
    there = {pair.JPEG_path for pair in pairs}.intersection(looked_at)
    return [pair for pair in pairs if pair.JPEG_path in there]


def summarise(rows: Sequence[Match], truth: Sequence[TruePair] | None) -> dict[str, object]:
    """All metrics of a mapping; `truth` adds precision and recall."""
    verdicts, matched = Counter(columns.values(rows, "verdict")), _matched(rows)
    categories = Counter(one for one in columns.values(matched, "category") if one is not None)
    metrics: dict[str, object] = {
        "tiffs": len(rows),
        "matched": len(matched),
        "match_rate": share(len(matched), len(rows)),
        "verdicts": {verdict.replace(" ", "_"): verdicts[verdict] for verdict in Verdict},
        "labels": dict(sorted(categories.items())),
        "ssim_computed": sum(columns.values(rows, "used_ssim")),
        "ssim_classes": ssim_classes(columns.values(rows, "ssim_value")),
        "matched_hamming": distribution(columns.values(matched, "hamming_distance")),
        "matched_ssim": distribution(columns.values(matched, "ssim_value")),
    }
    if truth is not None:
        metrics["truth"] = accuracy(rows, truth)
    return metrics


def distribution(values: Iterable[float | None]) -> dict[str, float]:
    """Mean, median, extremes and quantiles of what is not missing; empty where all is."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not known.size:
        return {}
    return {
        "mean": float(known.mean()),
        "median": float(np.median(known)),
        "min": float(known.min()),
        "max": float(known.max()),
        **{f"q{round(100 * q):02d}": float(np.quantile(known, q)) for q in QUANTILES},
    }


def ssim_classes(values: Iterable[float | None]) -> dict[str, int]:
    """How many values fall in each class; missing ones fall in none."""
    known = np.array([value for value in values if value is not None], np.float64)
    counts = np.histogram(known, _BOUNDS)[0]
    return dict(zip(SSIM_CLASSES, counts.tolist(), strict=True))


def accuracy(rows: Sequence[Match], truth: Sequence[TruePair]) -> dict[str, float]:
    """Precision and recall of matched pairs and of labels, over the pictures that were compared.

    True are a TIFF, or a page of it where the list names one. Precision over no match, and recall
    over no true pair, are 1: nothing wrong, nothing missed.
    """
    matched = _matched(rows)
    right, found = _true(matched, truth, "JPEG_path")
    right_labels, found_labels = _true(matched, truth, "category")
    true_pairs = len(_true(rows, truth)[1])
    return {
        "true_pairs": true_pairs,
        "right_pairs": right,
        "wrong_pairs": len(matched) - right,
        "wrong_labels": len(matched) - right_labels,
        "precision": share(right, len(matched), empty=1.0),
        "recall": share(len(found), true_pairs, empty=1.0),
        "label_precision": share(right_labels, len(matched), empty=1.0),
        "label_recall": share(len(found_labels), true_pairs, empty=1.0),
    }


def _matched(rows: Sequence[Match]) -> Sequence[Match]:
    verdicts = columns.values(rows, "verdict")
    return columns.taken(rows, [i for i, one in enumerate(verdicts) if one is Verdict.MATCHED])


def _true(
    rows: Sequence[Match], truth: Sequence[TruePair], *names: str
) -> tuple[int, set[tuple[str, int | None]]]:
    """How many of `rows` agree with one of `truth` in TIFF, page and the columns `names`.

    And these true ones, told apart by TIFF and by the page that the list names, if any.
    """
    known: dict[tuple[str | None, ...], list[TruePair]] = {}
    for pair in truth:
        key = (pair.TIFF_path, *(getattr(pair, name) for name in names))
        known.setdefault(key, []).append(pair)
    count = 0
    found: set[tuple[str, int | None]] = set()
    cells = (columns.values(rows, name) for name in ("page", "TIFF_path", *names))
    for page, *key_cells in zip(*cells, strict=True):
        pairs = known.get(tuple(key_cells), ())
        true = {(pair.TIFF_path, pair.page) for pair in pairs if pair.page in (None, page)}
        count += bool(true)
        found |= true
    return count, found


def share(part: int, whole: int, *, empty: float = 0.0) -> float:
    """`part / whole`, or `empty` where there is no whole."""
    return part / whole if whole else empty
