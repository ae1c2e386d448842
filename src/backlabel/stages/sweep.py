"""`backlabel sweep`: what other thresholds would match, from evidence that is kept.

No DVC stage: it changes no result. It opens no image that stage compare has scored.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from backlabel import config
from backlabel.errors import UnreadableImageError
from backlabel.matching.collected import Collected
from backlabel.matching.decide import Rule
from backlabel.matching.evidence import NearPair, Pair
from backlabel.matching.kept import Kept, kept_for
from backlabel.matching.settings import Settings
from backlabel.parts import left_over
from backlabel.reporting import plane, summary
from backlabel.reporting.plane import Axis, Point
from backlabel.reporting.report import Report
from backlabel.reporting.sweep import Counted, Counts
from backlabel.stages import compare
from backlabel.storage import columns, paths
from backlabel.storage.files import atomic_write, shared_folder
from backlabel.storage.rows import JpegHash, TiffHash

_TOGETHER = 500  # TIFFs whose scores are looked up


def main(params: config.Params, out: Path) -> Report:
    """Write a table for each plane of thresholds below `out`; the report is for MLflow."""
    settings = compare.settings(params)
    jpegs = left_over.ordered(columns.read(paths.JPEG_HASHES, JpegHash), settings)
    tiffs = columns.read(paths.TIFF_HASHES, TiffHash)
    cache = shared_folder() / "cache"
    found = left_over.match(tiffs, jpegs, settings, cache)[0].evidence
    kept = kept_for(settings, cache)
    if kept is not None:
        _widen(found, tiffs, jpegs, kept, settings)
    pictures = zip(columns.values(tiffs, "path"), columns.values(tiffs, "page"), strict=True)
    jpeg_paths = [*columns.values(jpegs, "path")]
    truth = summary.known_pairs(Path(params.data.truth), jpeg_paths)
    files: list[Path] = []
    curves: dict[str, list[tuple[int, float]]] = {}
    best: dict[str, float] = {}
    counts = Counts(found, pictures, jpeg_paths.__getitem__, settings.rule, truth)
    for axes in plane.axes(found, settings.limits, settings.rule):
        points = plane.plane(axes, counts, settings.limits)
        files.append(_write(out, axes, points))
        curves |= dict(plane.curves(axes, points, settings.limits))
        name = ".".join(axis.threshold for axis in axes)
        best[f"most_matched/{name}"] = max(point.found.match_rate for point in points)
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


def _widen(
    found: Collected,
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    kept: Kept,
    settings: Settings,
) -> None:
    """Add the scores that are kept of runs with looser thresholds."""
    for block in columns.in_blocks(range(len(tiffs)), _TOGETHER):
        bare = [
            (tiff, known, i)
            for tiff, known in ((tiff, found[tiff]) for tiff in block)
            if not isinstance(known, UnreadableImageError)
            for i, one in enumerate(known)
            if one.scores is None
        ]
        pairs = [_pair(tiffs[tiff], jpegs[known[i].row], known[i].pair) for tiff, known, i in bare]
        scores = kept.scores(pairs, complete=settings.rule is Rule.COMBINED)
        for (tiff, known, i), its in zip(bare, scores, strict=True):
            known[i] = dataclasses.replace(known[i], scores=its)
            found.put(tiff, known)


def _pair(tiff: TiffHash, jpeg: JpegHash, near: NearPair) -> Pair:
    return Pair(tiff.path, jpeg.path, near.variant, tiff.sha256, jpeg.sha256, tiff.page)


def _write(out: Path, axes: Sequence[Axis], points: Sequence[Point]) -> Path:
    path = out / f"{'_over_'.join(axis.threshold for axis in reversed(axes))}.csv"
    names = [axis.threshold for axis in axes]
    counted = [field.name for field in dataclasses.fields(Counted)]
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, *counted])
        writer.writerows([*point.values, *vars(point.found).values()] for point in points)
    return path
