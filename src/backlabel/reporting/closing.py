"""The last lines of a stage, for people: what became of everything, where it lies, what is next.

They speak of originals and copies, whatever formats and `label.store` a project has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backlabel.storage import paths

Metrics = Mapping[str, Any]
"""What a stage wrote to `metrics/<stage>.json`."""


def lines(stage: str, n_tiff: int | None, metrics_folder: Path = paths.METRICS) -> list[str]:
    """The closing lines of `stage`, from its metrics; none for a stage that has no metrics."""
    path = metrics_folder / f"{stage}.json"
    if stage not in _CLOSINGS or not path.exists():
        return []
    metrics = json.loads(path.read_text(encoding="utf-8"))
    first, *others = _CLOSINGS[stage](metrics, paths.rows_path(paths.mapping_path(n_tiff)))
    return [f"{stage}: {first}", *(f"  {line}" for line in others)]


def after_hash(metrics: Metrics, _: Path) -> list[str]:
    """How many images have a hash, and where the others are listed."""
    jpegs, tiffs = map(paths.rows_path, (paths.JPEG_HASHES, paths.TIFF_HASHES))
    found = [f"{metrics['tiffs']} originals and {metrics['jpegs']} copies hashed"]
    if metrics["unreadable"]:
        reasons = _counts(metrics["unreadable_by_reason"])
        found.append(f"{metrics['unreadable']} unreadable ({reasons}), see {paths.UNREADABLE}")
    if metrics["skipped"]:
        found.append(f"{metrics['skipped']} other files skipped, see {paths.SKIPPED}")
    if metrics["without_information"]:
        found.append(
            f"{metrics['without_information']} too flat to match anything, see the column "
            f"`information` of {tiffs} and {jpegs}"
        )
    found.append(f"the hashes are in {jpegs} and {tiffs}")
    return found


def after_compare(metrics: Metrics, mapping: Path) -> list[str]:
    """How many originals are matched, why the others are not, and how right that is."""
    found = [_of(metrics["matched"], metrics["tiffs"], "originals matched")]
    refused = {name: n for name, n in metrics["verdicts"].items() if name != "matched"}
    if any(refused.values()):
        found.append(f"the others: {_counts(refused)}")
    truth = metrics.get("truth")
    if truth:
        found.append(
            f"known pairs: {truth['right_pairs']} of {truth['true_pairs']} found, "
            f"{truth['wrong_pairs']} wrong pairs, {truth['wrong_labels']} wrong labels"
        )
    found.append(f"the reason for each is in {mapping}, the histograms are in {paths.PLOTS}/")
    if any(refused.values()):
        found.append("next: `backlabel review` shows the others; you decide, by keys")
    return found


def after_label(metrics: Metrics, _: Path) -> list[str]:
    """How many originals are in the labelled set, by category, and how to go on from it."""
    total = metrics["labelled"] + metrics["duplicates"] + metrics["not_labelled"]
    found = [_of(metrics["labelled"], total, "originals labelled")]
    if metrics["by_category"]:
        found.append(_counts(metrics["by_category"], sort=False))
    if metrics["duplicates"]:
        found.append(f"{metrics['duplicates']} duplicates left out, see {paths.DUPLICATES}")
    decided = metrics["decisions"]
    if decided["accepted"] or decided["rejected"]:
        found.append(f"people accepted {decided['accepted']} and rejected {decided['rejected']}")
    found.append(f"the set is in {paths.LABELED}/, what is known of each file in {paths.MANIFEST}")
    found.append("next: `dvc push` stores the set, `backlabel verify labeled` checks every byte")
    return found


_CLOSINGS: Mapping[str, Callable[[Metrics, Path], list[str]]] = {
    "hash": after_hash,
    "compare": after_compare,
    "label": after_label,
}


def _of(part: int, whole: int, what: str) -> str:
    share = f" ({part / whole:.0%})" if whole else ""
    return f"{part} of {whole} {what}{share}"


def _counts(counts: Mapping[str, int], *, sort: bool = True) -> str:
    """Those above zero as "3 truncated, 1 empty", the most frequent first if sorted."""
    named = [(name, number) for name, number in counts.items() if number]
    if sort:
        named.sort(key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in named)
