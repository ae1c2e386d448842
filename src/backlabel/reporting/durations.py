"""How long the stages took: kept beside the results, since the results must not depend on it.

A duration is found by the stage's metrics, to the byte. So it is that of the run which computed
them, also where DVC has since restored them from its cache, or in another checkout.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from backlabel.errors import OutputError
from backlabel.storage import paths
from backlabel.storage.files import sha256, shared_folder, write_json


def keep(stage: str, seconds: float) -> None:
    """Keep how long `stage` took to come to the metrics that it wrote just now."""
    metrics = _metrics(stage)
    if not metrics.exists():
        return
    with suppress(OutputError):  # the stage has done its work, and may not fail because of this
        write_json(_record(metrics), {"stage": stage, "seconds": round(seconds, 3)})


def known(stage: str) -> float | None:
    """The seconds that the metrics of `stage` took; None where that was not kept here."""
    metrics = _metrics(stage)
    try:
        return float(json.loads(_record(metrics).read_text(encoding="utf-8"))["seconds"])
    except FileNotFoundError:
        return None


def _metrics(stage: str) -> Path:
    return paths.METRICS / f"{stage}.json"


def _record(metrics: Path) -> Path:
    return shared_folder() / "durations" / f"{metrics.stem}-{sha256(metrics)}.json"
