"""Numbers about a labelled set, for `metrics/label.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from backlabel.labels.splits import Places
from backlabel.storage import columns
from backlabel.storage.rows import Choice, Decision, Duplicate, Labelled, Match


def metrics(
    rows: Sequence[Labelled], twins: Sequence[Duplicate], mapping: Sequence[Match]
) -> dict[str, object]:
    """How many of the TIFFs of `mapping` were labelled, and how; `twins` are their duplicates."""
    # Eight bytes a name: of a million names two share a hash by chance once in ten million runs.
    names = (hash(PurePosixPath(path).name) for path in columns.values(rows, "TIFF_path"))
    _, times = np.unique(np.fromiter(names, np.int64, len(rows)), return_counts=True)
    return {
        "labelled": len(rows),
        "duplicates": len(twins),
        "not_labelled": len(mapping) - len(rows) - len(twins),
        "labelled_share": len(rows) / len(mapping) if mapping else 0.0,
        "bytes": sum(columns.values(rows, "bytes")),
        "by_category": dict(sorted(Counter(columns.values(rows, "category")).items())),
        "names_in_several_folders": int((times > 1).sum()),
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


def splits(places: Places, shares: Mapping[str, float]) -> dict[str, object]:
    """Files and share of each split, beside the share that it was to have."""
    found, total = places.files(), len(places)
    return {
        name: {
            "files": found[name],
            "share": found[name] / total if total else 0.0,
            "wanted": wanted,
        }
        for name, wanted in shares.items()
    }
