"""The command `backlabel calibrate`: TIFFs -> recommended thresholds, their plot, an MLflow run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backlabel import config, section
from backlabel.calibration import over_files, report
from backlabel.calibration.measure import calibrate
from backlabel.calibration.parts_and_pages import EVERY
from backlabel.calibration.report import NAMES
from backlabel.calibration.trials import KINDS
from backlabel.errors import ConfigError, DataError
from backlabel.limits import read_limits
from backlabel.matching.decide import Limits
from backlabel.reporting import delivery, plots
from backlabel.storage import tables
from backlabel.storage.files import write_json
from backlabel.workers.pool import cores

# Nothing but the threshold that is being chosen refuses a pair: what is recommended must not
# depend on what was in force before.
OPEN = Limits(
    hamming_threshold=section.BITS + 1,
    ssim_hamming_threshold=section.BITS + 1,
    min_ssim=-1.0,
    min_explained=0.0,
    min_spoke=0.0,
    min_margin=0.0,
)


@dataclass(frozen=True)
class Request:
    """What the command was asked for."""

    folders: Sequence[Path]
    precision: float
    out: Path
    images: int | None
    seed: int
    kinds: Sequence[str]
    """Keys of `EVERY`; empty for `KINDS`."""
    workers: int
    """Processes; 0: one per core."""


def main(params: config.Params, request: Request) -> None:
    """Calibrate on the TIFFs of the folders; write JSON, table and plot, then report to MLflow.

    Raises ConfigError for what cannot be asked, and DataError where the folders hold too little.
    """
    kinds = _kinds(request)
    outcome = _trials(params, request, kinds)
    result = report.Result(*calibrate(outcome.trials, OPEN, request.precision))
    found = report.as_json(
        result,
        outcome,
        {
            "precision": request.precision,
            "images": request.images,
            "seed": request.seed,
            "kinds": list(kinds),
        },
    )
    artifacts = _write(found, result, outcome, request)
    in_force = {name: getattr(params.compare, name.partition(".")[2]) for name in NAMES.values()}
    sys.stdout.write(f"{report.as_text(found, in_force)}\n\nWritten: {request.out}\n")
    reported = delivery.deliver(
        report.as_run(found, result, artifacts),
        f"{params.track.experiment}-calibration",
        timeout_s=params.track.timeout_s,
    )
    sys.stderr.write(f"{reported}\n")


def _kinds(request: Request) -> Sequence[str]:
    """The kinds of change that were asked for, each once; what is out of range is refused."""
    if not 0 < request.precision < 1:
        raise ConfigError(
            f"--precision {request.precision:g} must lie between 0 and 1, both excluded. "
            "No number of images shows a precision of 1: ask for 0.999 or 0.9999."
        )
    for name, value, least in (
        ("images", request.images, 1),
        ("seed", request.seed, 0),
        ("workers", request.workers, 0),
    ):
        if value is not None and value < least:
            raise ConfigError(f"--{name} {value} must be {least} or more.")
    unknown = [kind for kind in request.kinds if kind not in EVERY]
    if unknown:
        raise ConfigError(f"--kinds: unknown: {'; '.join(unknown)}. There are: {'; '.join(EVERY)}.")
    return tuple(dict.fromkeys(request.kinds)) or KINDS


def _trials(params: config.Params, request: Request, kinds: Sequence[str]) -> over_files.Outcome:
    read = params.read
    limits = read_limits(read)
    bounds = over_files.Bounds(
        workers=request.workers or cores(),
        # As long for each of its pairs as for an image that is read: a bound against hanging.
        max_seconds=read.max_seconds * (1 + 2 * len(kinds)),
        max_memory_mib=read.max_memory_mib,
        cluster=params.cluster,
    )
    found = over_files.find(request.folders, limits, bounds)
    chosen = over_files.draw(found.pictures, request.images, request.seed)
    outcome = over_files.trials_of_all(
        chosen, kinds, seed=request.seed, limits=limits, bounds=bounds
    )
    if not outcome.trials:
        first = outcome.passed[0]
        raise DataError(
            f"None of {len(chosen)} TIFFs can be used. The first, {first.path}: {first.reason}: "
            f"{first.detail}."
        )
    passed = sorted([*found.passed, *outcome.passed], key=lambda one: os.fsencode(one.path))
    return over_files.Outcome(outcome.pictures, outcome.trials, passed)


def _write(
    found: Mapping[str, Any], result: report.Result, outcome: over_files.Outcome, request: Request
) -> list[Path]:
    # Resolved, because MLflow files an artifact under the name of its folder.
    out = request.out.resolve()
    artifacts = [out / name for name in ("calibration.json", "trials.csv", "calibration.png")]
    write_json(artifacts[0], found)
    tables.write(artifacts[1], report.TrialRow, report.rows(outcome.trials, result.limits))
    plots.calibration(report.curves(result), request.precision, artifacts[2])
    return artifacts
