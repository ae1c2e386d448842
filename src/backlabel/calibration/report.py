"""What a calibration found: as JSON, as a table for people, and as a run for MLflow."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backlabel import __version__
from backlabel.calibration import measure
from backlabel.calibration.measure import CONFIDENCE, Point, Recommendation, Share
from backlabel.calibration.over_files import Outcome
from backlabel.calibration.trials import Trial
from backlabel.matching.decide import Limits, Rule
from backlabel.matching.evidence import Placement
from backlabel.reporting import naming, plots
from backlabel.reporting.report import Report
from backlabel.storage import names
from backlabel.storage.tables import FileName

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "min_explained": "compare.min_explained",
        "min_spoke": "compare.min_spoke",
        "hamming_threshold": "compare.hamming_threshold",
        "min_ssim": "compare.min_ssim",
    }
)
"""The parameter that sets each threshold."""

_LIBRARIES = (
    *("imagecodecs", "numba", "numpy", "opencv-python-headless"),
    *("Pillow", "scipy", "simplejpeg", "tifffile"),
)
"""Those whose version may move a score."""


@dataclass(frozen=True)
class TrialRow:
    """One pair of known truth with its scores, and whether the recommended limits accept it."""

    TIFF_path: FileName
    kind: str
    is_copy: bool
    drift: float | None
    noise: float | None
    variant: str
    hamming_distance: int
    hamming_standardised: int
    hamming_grey: int | None
    ssim_value: float | None
    explained: float | None
    spoke: float | None
    degradation: str | None
    accepted: bool
    JPEG_covered: float | None = None
    TIFF_covered: float | None = None


def seen(jpeg_covered: float | None, tiff_covered: float | None) -> Placement | None:
    """What a decision asks of a part, from the shares that a table has of it; None where whole."""
    if jpeg_covered is None or tiff_covered is None:
        return None
    nowhere = (0, 0, 0, 0)
    return Placement(nowhere, nowhere, 1.0, 0.0, False, jpeg_covered, tiff_covered)


@dataclass(frozen=True)
class Result:
    """A calibration: recommended limits, how each came about, and every point of the curves."""

    limits: Limits
    recommended: Sequence[Recommendation]
    points: Sequence[Point]


def rows(trials: Sequence[Trial], limits: Limits) -> Iterator[TrialRow]:
    """The trials as a table."""
    for trial in trials:
        one, scores = trial.candidate, trial.candidate.scores
        assert scores is not None  # every trial is scored
        yield TrialRow(
            TIFF_path=trial.picture,
            kind=trial.kind,
            is_copy=trial.is_copy,
            drift=trial.drift,
            noise=trial.noise,
            variant=one.pair.variant,
            hamming_distance=one.distance,
            hamming_standardised=one.pair.hamming_standardised,
            hamming_grey=one.pair.hamming_grey,
            ssim_value=one.ssim,
            explained=one.explained,
            spoke=one.spoke,
            degradation=scores.degradation,
            accepted=measure.accepted(trial, limits, Rule.COMBINED),
            JPEG_covered=one.pair.part.jpeg_covered if one.pair.part else None,
            TIFF_covered=one.pair.part.tiff_covered if one.pair.part else None,
        )


def as_json(result: Result, outcome: Outcome, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the single trials; the same for the same images and libraries."""
    kinds = measure.by_kind(outcome.trials, result.limits, Rule.COMBINED)
    return {
        "parameters": dict(parameters),
        "confidence": CONFIDENCE,
        "recommended": {NAMES[one.threshold]: _as_json(one) for one in result.recommended},
        "pairs_to_prove": measure.pairs_to_prove(parameters["precision"]),
        "copies": sum(trial.is_copy for trial in outcome.trials),
        "frames": sum(not trial.is_copy for trial in outcome.trials),
        "kinds": {
            kind: {"recall": asdict(recall), "wrong_pairs": wrong}
            for kind, (recall, wrong) in kinds.items()
        },
        "inputs": [
            {"path": names.to_cell(one.path), "sha256": one.sha256} for one in outcome.pictures
        ],
        "passed": [
            {"path": names.to_cell(one.path), "reason": one.reason, "detail": one.detail}
            for one in outcome.passed
        ],
        "versions": {
            "backlabel": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def as_text(found: Mapping[str, Any], in_force: Mapping[str, float]) -> str:
    """A table of the recommendations beside the values `in_force`, and lines for conf/."""
    table = [("parameter", "now", "recommended", "precision", "recall", "proven")]
    for name, one in found["recommended"].items():
        shares = (_share(Share(**one[measure])) for measure in ("precision", "recall"))
        proven = "yes" if one["proven"] else "no" if one["reached"] else "not reached"
        table.append((name, f"{in_force[name]:g}", f"{one['value']:g}", *shares, proven))
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    wanted = found["parameters"]["precision"]
    return "\n".join(
        [
            *lines,
            f"\n{found['copies']} copies and {found['frames']} hard negatives of "
            f"{len(found['inputs'])} TIFFs; {len(found['passed'])} paths passed over. Intervals of "
            f"{found['confidence']:.0%}: {found['pairs_to_prove']} accepted pairs and no wrong one "
            f"among them prove a precision of {wanted:g}.",
            "\nconf/compare/default.yaml:",
            *_conf(found),
        ]
    )


def curves(result: Result) -> list[plots.Curve]:
    """Precision and recall over each threshold, by the names of the parameters."""
    found = []
    for one in result.recommended:
        points = [point for point in result.points if point.threshold == one.threshold]
        found.append(
            plots.Curve(
                threshold=NAMES[one.threshold],
                values=[point.value for point in points],
                precision=[point.precision.value for point in points],
                intervals=[(point.precision.low, point.precision.high) for point in points],
                recall=[point.recall.value for point in points],
                chosen=one.point.value,
            )
        )
    return found


def as_run(found: Mapping[str, Any], result: Result, artifacts: Sequence[Path]) -> Report:
    """The calibration as one MLflow run; the same findings are the same run."""
    key = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    metrics = {
        f"{name}.{what}": value
        for name, one in found["recommended"].items()
        for what, value in _numbers(one)
    }
    lines: dict[str, list[tuple[int, float]]] = {}
    for curve in curves(result):
        for value, precision, recall in zip(
            curve.values, curve.precision, curve.recall, strict=True
        ):
            axis, step = naming.point_on_axis(curve.threshold, value)
            lines.setdefault(f"curve.{axis}.precision", []).append((step, precision))
            lines.setdefault(f"curve.{axis}.recall", []).append((step, recall))
    return Report(
        key=key,
        name=f"calibrate-{key[:8]}",
        params={name: json.dumps(value) for name, value in found["parameters"].items()},
        metrics={**metrics, "tiffs": len(found["inputs"]), "copies": found["copies"]},
        curves=lines,
        tags={"backlabel.version": __version__},
        artifacts=[str(path) for path in artifacts],
    )


def _numbers(one: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "recommended", one["value"]
    for what in ("precision", "recall"):
        yield what, one[what]["value"]
        yield f"{what}_low", one[what]["low"]


def _as_json(one: Recommendation) -> dict[str, Any]:
    return {
        "value": one.point.value,
        "wanted_precision": one.wanted_precision,
        "reached": one.reached,
        "proven": one.proven,
        "precision": asdict(one.point.precision),
        "recall": asdict(one.point.recall),
    }


def _share(share: Share) -> str:
    return f"{share.hits}/{share.of} = {share.value:.4f} ({share.low:.4f}-{share.high:.4f})"


def _conf(found: Mapping[str, Any]) -> Iterator[str]:
    for name, one in found["recommended"].items():
        short = name.removeprefix("compare.")
        doubt = "" if one["reached"] else f"  # reaches {one['precision']['value']:.4f} at most"
        yield f"{short}: {one['value']:g}{doubt}"
        if short == "hamming_threshold":
            yield f"ssim_{short}: {one['value']:g}"  # scores of every candidate were counted
