"""Maps a function over items on a cluster; a program of its own, for Dask keeps threads.

    python over_cluster.py SETTINGS FUNCTION ITEMS [LIMITS]

SETTINGS, ITEMS and LIMITS are JSON; `file` in SETTINGS names a file of conf/cluster; ITEMS are a
list, or how many numbers. Prints each result as it comes, one a line, or the error. Signals end
it as they end a command.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import work_done

from backlabel import config, interrupts
from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.workers import clusters
from backlabel.workers.cluster import Cluster
from backlabel.workers.crew import map_files

clusters._JOBS_S = 1.0  # Slurm's controller has nobody else to answer
CONF = Path(__file__).parents[2] / "conf" / "cluster"


def main():
    settings, function, items, limits = (
        text if i == 1 else json.loads(text) for i, text in enumerate(sys.argv[1:])
    )
    values = config.read_yaml(CONF / f"{settings.pop('file')}.yaml") | settings
    results = map_files(
        getattr(work_done, function),
        range(items) if isinstance(items, int) else items,
        cluster=Cluster.model_validate_json(json.dumps(values)),
        what="test",
        **{"workers": 1, "max_seconds": 60, "max_memory_mib": 200, "chunk": 2, **limits},
    )
    for item, result in results:
        is_error = isinstance(result, UnreadableImageError)
        print(json.dumps([item, result.reason if is_error else result]), flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        sys.exit(interrupts.one_line(main))
    except WorkerError as error:
        sys.exit(f"WorkerError: {error}")
