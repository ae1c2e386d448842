"""Stage compare: for each TIFF its JPEG, the scores of the pair, and the verdict."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from backlabel import config
from backlabel.limits import read_limits
from backlabel.matching import device, engine, mapping
from backlabel.matching.decide import Limits, Rule
from backlabel.matching.drawn import draw
from backlabel.matching.settings import Settings
from backlabel.parts import left_over
from backlabel.reporting import series, summary, sweep
from backlabel.stages import beside
from backlabel.storage import columns, large, paths, tables
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.files import shared_folder, write_json
from backlabel.storage.rows import JpegHash, Match, Passed, SweepPoint, TiffHash, TruePair

_COUNTED = ("verdict", "category", "used_ssim", *summary.TRUE, *series.SCORED)


def main(params: config.Params) -> None:
    """Match the TIFFs of the hash tables to the JPEGs; write mapping, metrics, sweep and plots."""
    beside.require_data(params)
    truth, points, counted = _match(params)
    tables.write(paths.SWEEP, SweepPoint, points)
    # Read back, when hashes and candidates are gone: columns of what is counted are little.
    found = columns.read(paths.mapping_path(params.compare.n_tiff), Match, _COUNTED)
    write_json(paths.METRICS / "compare.json", summary.summarise(found, truth) | counted)
    series.write_all(found, points, paths.PLOTS)


def _match(
    params: config.Params,
) -> tuple[list[TruePair] | None, list[SweepPoint], dict[str, object]]:
    """Write the mapping; the true pairs, the points of the sweep, and metrics of the search."""
    compare, how = params.compare, settings(params)
    jpegs = left_over.ordered(columns.read(paths.JPEG_HASHES, JpegHash), how)
    tiffs = columns.read(paths.TIFF_HASHES, TiffHash)
    unreadable = tables.read(paths.UNREADABLE, Passed)
    failed = [row for row in unreadable if row.kind == "tiff"]
    looked_at = itertools.chain(columns.values(jpegs, "path"), (row.path for row in unreadable))
    truth = summary.known_pairs(Path(params.data.truth), looked_at)
    if compare.n_tiff is not None:
        listed = [*columns.values(tiffs, "path")]
        chosen = draw({*listed, *(row.path for row in failed)}, compare.n_tiff, compare.seed)
        tiffs = tiffs.taken([i for i, path in enumerate(listed) if path in chosen])
        failed = [row for row in failed if row.path in chosen]

    outcome, effort = left_over.match(tiffs, jpegs, how, shared_folder() / "cache")
    _write_mapping(tiffs, jpegs, outcome, failed, params)
    read = zip(columns.values(tiffs, "path"), columns.values(tiffs, "page"), strict=True)
    points = sweep.sweep(
        outcome.evidence,
        itertools.chain(read, ((row.path, row.page or 1) for row in failed)),
        path_of=lambda row: columns.value(jpegs, row, "path"),
        limits=how.limits,
        rule=how.rule,
        truth=truth,
    )
    recall = {"index_recall": outcome.index_recall} if outcome.index_recall else {}
    return truth, points, {"parts": asdict(effort), **recall}


def settings(params: config.Params) -> Settings:
    """How to match, from the parameters. Raises ConfigError where a device is not there."""
    compare, read = params.compare, params.read
    chosen = "cpu" if compare.engine == "reference" else compare.device
    return Settings(
        rule=Rule(compare.rule),
        limits=limits(compare),
        top_k=compare.top_k,
        both_hashes=compare.hashes == "both",
        index_from=compare.index_from,
        variants=compare.variants,
        window=compare.ssim_window,
        engine=compare.engine,
        device=device.resolve(chosen, compare.ssim_window, params.cluster),
        batch_size=compare.batch_size,
        memory_mib=compare.memory_mib,
        read_limits=read_limits(read),
        max_seconds=read.max_seconds,
        max_memory_mib=read.max_memory_mib,
        cluster=params.cluster,
    )


def limits(compare: config.Compare) -> Limits:
    """The limits of the decision, from the parameters."""
    return Limits(
        hamming_threshold=compare.hamming_threshold,
        ssim_hamming_threshold=compare.ssim_hamming_threshold,
        min_ssim=compare.min_ssim,
        min_explained=compare.min_explained,
        min_spoke=compare.min_spoke,
        min_margin=compare.min_margin,
        min_part_share=compare.min_part_share,
    )


def _write_mapping(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    outcome: engine.Outcome,
    failed: Sequence[Passed],
    params: config.Params,
) -> None:
    form = large.Form(**params.tables.model_dump())
    count, n_tiff = len(tiffs) + len(failed), params.compare.n_tiff
    found = mapping.rows(tiffs, jpegs, outcome, failed)
    large.write(paths.mapping_path(n_tiff), Match, found, count=count, form=form)
    near = mapping.candidates(tiffs, jpegs, outcome)
    large.write(paths.candidates_path(n_tiff), CandidateRow, near, count=count, form=form)
