"""Numbers about a labelled set, for `metrics/label.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from backlabel.labels.splits import Place
from backlabel.storage.rows import Choice, Decision, Duplicate, Labelled, Match


def metrics(
    rows: Sequence[Labelled], twins: Sequence[Duplicate], mapping: Sequence[Match]
) -> dict[str, object]:
    """How many of the TIFFs of `mapping` were labelled, and how; `twins` are their duplicates."""
    by_name = Counter(PurePosixPath(row.TIFF_path).name for row in rows)
    return {
        "labelled": len(rows),
        "duplicates": len(twins),
        "not_labelled": len(mapping) - len(rows) - len(twins),
        "labelled_share": len(rows) / len(mapping) if mapping else 0.0,
        "bytes": sum(row.bytes for row in rows),
        "by_category": dict(sorted(Counter(row.category for row in rows).items())),
        "names_in_several_folders": sum(count > 1 for count in by_name.values()),
    }


def decisions(all_made: Sequence[Decision], in_force: Sequence[Decision]) -> dict[str, int]:
    """How many decisions took effect, by kind; the others wait for a run with their images."""
    kinds = Counter(one.decision for one in in_force)
    return {
        "accepted": kinds[Choice.ACCEPT],
        "relabelled": kinds[Choice.RELABEL],
        "rejected": kinds[Choice.REJECT],
        "outside_this_run": len(all_made) - len(in_force),
        "people": len({one.who for one in in_force}),
    }


def splits(places: Iterable[Place], shares: Mapping[str, float]) -> dict[str, object]:
    """Files and share of each split, beside the share that it was to have."""
    found = Counter(place.split for place in places)
    total = found.total()
    return {
        name: {
            "files": found[name],
            "share": found[name] / total if total else 0.0,
            "wanted": wanted,
        }
        for name, wanted in shares.items()
    }
