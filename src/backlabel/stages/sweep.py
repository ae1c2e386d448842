"""`backlabel sweep`: what other thresholds would match, from evidence that is kept.

No DVC stage: it changes no result. It opens no image that stage compare has scored.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from backlabel import config
from backlabel.errors import UnreadableImageError
from backlabel.matching import engine
from backlabel.matching.decide import Rule
from backlabel.matching.evidence import Candidate, Pair
from backlabel.matching.kept import Kept, kept_for
from backlabel.matching.settings import Settings
from backlabel.parts import left_over
from backlabel.reporting import plane, summary
from backlabel.reporting.plane import Axis, Point
from backlabel.reporting.report import Report
from backlabel.reporting.sweep import furthest
from backlabel.stages import compare
from backlabel.storage import columns, paths
from backlabel.storage.files import atomic_write, shared_folder
from backlabel.storage.rows import JpegHash, TiffHash


def main(params: config.Params, out: Path) -> Report:
    """Write a table for each plane of thresholds below `out`; the report is for MLflow."""
    settings = compare.settings(params)
    jpegs = left_over.ordered(columns.read(paths.JPEG_HASHES, JpegHash), settings)
    tiffs = columns.read(paths.TIFF_HASHES, TiffHash)
    cache = shared_folder() / "cache"
    found = left_over.match(tiffs, jpegs, settings, cache)[0].evidence
    kept = kept_for(settings, cache)
    evidence = {
        tiff.key: known if kept is None else _widened(known, tiff, jpegs, kept, settings)
        for tiff, known in zip(tiffs, found, strict=True)
    }
    truth = summary.known_pairs(Path(params.data.truth), columns.values(jpegs, "path"))
    files: list[Path] = []
    curves: dict[str, list[tuple[int, float]]] = {}
    best: dict[str, float] = {}
    for axes in plane.axes(evidence, settings.limits, settings.rule):
        points = plane.plane(
            axes,
            evidence,
            path_of=lambda row: columns.value(jpegs, row, "path"),
            limits=settings.limits,
            rule=settings.rule,
            truth=truth,
        )
        files.append(_write(out, axes, points))
        curves |= dict(plane.curves(axes, points, settings.limits))
        name = ".".join(axis.threshold for axis in axes)
        best[f"most_matched/{name}"] = max(point.match_rate for point in points)
    key = [config.digest(params), [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]]
    return Report(
        key=hashlib.sha256(json.dumps(["sweep", *key]).encode()).hexdigest(),
        name=f"sweep of {len(tiffs)} TIFFs",
        params={name: json.dumps(value) for name, value in config.settled(params).items()},
        metrics=best,
        curves=curves,
        tags={"backlabel.sweep": "true"},
        artifacts=[str(file) for file in files],
        description="What other thresholds would match, from the evidence at hand.",
    )


def _widened(
    known: engine.Evidence,
    tiff: TiffHash,
    jpegs: Sequence[JpegHash],
    kept: Kept,
    settings: Settings,
) -> list[Candidate] | UnreadableImageError:
    """With the scores, too, that are kept of runs with looser thresholds."""
    if isinstance(known, UnreadableImageError):
        return known
    last = furthest(settings.limits)
    is_bare = [one.scores is None and one.distance < last for one in known]
    pairs = [
        Pair(
            tiff.path,
            columns.value(jpegs, one.row, "path"),
            one.pair.variant,
            tiff.sha256,
            columns.value(jpegs, one.row, "sha256"),
            tiff.page,
        )
        for one in itertools.compress(known, is_bare)
    ]
    found = iter(kept.scores(pairs, complete=settings.rule is Rule.COMBINED))
    return [
        dataclasses.replace(one, scores=next(found)) if bare else one
        for one, bare in zip(known, is_bare, strict=True)
    ]


def _write(out: Path, axes: Sequence[Axis], points: Sequence[Point]) -> Path:
    path = out / f"{'_over_'.join(axis.threshold for axis in reversed(axes))}.csv"
    names = [axis.threshold for axis in axes]
    others = ["matched", "match_rate", "wrong", "precision", "recall"]
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, *others])
        for point in points:
            values = [point.one, point.other][: len(names)]
            writer.writerow([*values, *(getattr(point, name) for name in others)])
    return path
