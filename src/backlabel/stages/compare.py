"""Stage compare: for each TIFF its JPEG, the scores of the pair, and the verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel import config, images, records, tables
from backlabel.errors import ConfigError, UnreadableImageError
from backlabel.files import write_json
from backlabel.hashing import from_hexes, standardise
from backlabel.matching import decide, device, scoring, search
from backlabel.matching.decide import Candidate, Verdict
from backlabel.matching.records import Match, SweepPoint
from backlabel.progress import track
from backlabel.records import JpegHash, Passed, TiffHash, TruePair
from backlabel.reporting import plots, summary, sweep


def main(params: config.Params) -> None:
    """Match the TIFFs of the hash tables to the JPEGs; write mapping, metrics, sweep and plots."""
    jpegs = [row for row in tables.read(records.JPEG_HASHES, JpegHash) if not row.gate]
    tiffs = tables.read(records.TIFF_HASHES, TiffHash)
    unreadable = [row for row in tables.read(records.UNREADABLE, Passed) if row.kind == "tiff"]
    paths = [row.path for row in tiffs] + [row.path for row in unreadable]
    chosen = _draw(paths, params.compare)
    tiffs = [row for row in tiffs if row.path in chosen]
    unreadable = [row for row in unreadable if row.path in chosen]

    candidates = _search(tiffs, jpegs, params.compare)
    scored = _score(tiffs, jpegs, candidates, params)
    limits = _limits(params.compare)
    rule = decide.Rule(params.compare.rule)
    rows = [
        _match(tiff, jpegs, evidence, limits, rule)
        for tiff, evidence in zip(tiffs, scored, strict=True)
    ]
    rows += [_unreadable(row.path, None, f"{row.reason}: {row.detail}") for row in unreadable]
    rows.sort(key=lambda row: os.fsencode(row.TIFF_path))
    _write(rows, dict(zip((row.path for row in tiffs), scored, strict=True)), jpegs, params)


Evidence = list[Candidate] | UnreadableImageError
"""The candidates of one TIFF, or why it could not be read when they were scored."""


def _draw(paths: Sequence[str], compare: config.Compare) -> set[str]:
    """All paths, or the `n_tiff` that the seed draws from them in sorted order."""
    if compare.n_tiff is None:
        return set(paths)
    if compare.n_tiff > len(paths):
        raise ConfigError(
            f"compare.n_tiff is {compare.n_tiff}, but there are {len(paths)} TIFFs. "
            "Ask for fewer, or for all with compare.n_tiff=null."
        )
    drawn = np.random.default_rng(compare.seed).permutation(len(paths))[: compare.n_tiff]
    ordered = sorted(paths, key=os.fsencode)
    return {ordered[i] for i in drawn}


def _search(
    tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash], compare: config.Compare
) -> list[list[Candidate]]:
    """The nearest JPEGs of each TIFF by either hash; none for a TIFF without information."""
    if not tiffs or not jpegs:
        return [[] for _ in tiffs]
    standardised = (
        from_hexes([row.phash for row in tiffs]),
        from_hexes([row.phash for row in jpegs]),
    )
    grey = (
        from_hexes([row.phash_grey for row in tiffs]),
        from_hexes([row.phash_grey for row in jpegs]),
    )
    near = [search.nearest(query, base, k=compare.top_k)[0] for query, base in (standardised, grey)]
    found: list[list[Candidate]] = []
    for i, tiff in enumerate(tiffs):
        if tiff.gate:
            found.append([])
            continue
        rows = np.unique(np.concatenate([index[i] for index in near]))
        by_standardised = _distances(standardised, i, rows)
        by_grey = _distances(grey, i, rows)
        both = [
            Candidate(int(row), int(one), int(other), label=jpegs[row].label)
            for row, one, other in zip(rows, by_standardised, by_grey, strict=True)
        ]
        found.append(sorted(both, key=lambda c: (c.distance, c.row))[: compare.top_k])
    return found


def _distances(
    hashes: tuple[NDArray[np.uint8], NDArray[np.uint8]], i: int, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    query, base = hashes
    differing: NDArray[np.int64] = np.bitwise_count(base[rows] ^ query[i]).sum(1, dtype=np.int64)
    return differing


def _score(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    candidates: Sequence[list[Candidate]],
    params: config.Params,
) -> list[Evidence]:
    """`candidates` with the SSIM of those below the SSIM threshold."""
    compare = params.compare
    limits = images.Limits(max_pixels=params.read.max_pixels, max_bytes=params.read.max_bytes)
    scored: list[Evidence] = [list(found) for found in candidates]
    close = [
        [i for i, one in enumerate(found) if one.distance < compare.ssim_hamming_threshold]
        for found in candidates
    ]
    asked = [i for i, places in enumerate(close) if places]
    groups = [
        scoring.Group(tiffs[i].path, tuple(jpegs[candidates[i][at].row].path for at in close[i]))
        for i in asked
    ]
    results = scoring.score(
        groups,
        lambda path: standardise(images.read(Path(path), limits).grey),
        device=device.resolve(compare.device),
        batch_size=compare.batch_size,
        memory_mib=compare.memory_mib,
        threads=os.cpu_count() or 1,
    )
    for i, (_, scores) in zip(asked, track(results, "compare", total=len(groups)), strict=True):
        if scores.failure is not None:
            scored[i] = scores.failure
            continue
        evidence = list(candidates[i])
        for at, value in zip(close[i], scores.ssim, strict=True):
            # A JPEG that can no longer be read leaves its candidate unscored, hence not verified.
            evidence[at] = replace(evidence[at], ssim=None if np.isnan(value) else round(value, 6))
        scored[i] = evidence
    return scored


def _match(
    tiff: TiffHash,
    jpegs: Sequence[JpegHash],
    evidence: Evidence,
    limits: decide.Limits,
    rule: decide.Rule,
) -> Match:
    if isinstance(evidence, UnreadableImageError):
        return _unreadable(tiff.path, tiff.sha256, str(evidence))
    decision = decide.decide(evidence, limits, rule)
    # Where nothing is near enough the nearest JPEG still tells how far away it is.
    shown = decision.chosen or next(iter(evidence), None)
    jpeg = jpegs[shown.row] if shown else None
    second = decision.runner_up
    matched = decision.verdict is Verdict.MATCHED and jpeg is not None
    return Match(
        TIFF_file=tiff.file,
        TIFF_path=tiff.path,
        JPEG_file=jpeg.file if jpeg else None,
        JPEG_path=jpeg.path if jpeg else None,
        hamming_distance=shown.distance if shown else None,
        ssim_value=shown.ssim if shown else None,
        used_ssim=shown is not None and shown.ssim is not None,
        verdict=decision.verdict,
        reason=f"{tiff.gate}: holds too little information to be matched"
        if tiff.gate
        else decision.reason,
        label=jpeg.label if matched and jpeg else None,
        category=jpeg.category if matched and jpeg else None,
        hamming_standardised=shown.hamming if shown else None,
        hamming_grey=shown.hamming_grey if shown else None,
        runner_up_path=jpegs[second.row].path if second else None,
        runner_up_hamming=second.distance if second else None,
        runner_up_ssim=second.ssim if second else None,
        margin=decision.margin,
        TIFF_sha256=tiff.sha256,
        JPEG_sha256=jpeg.sha256 if jpeg else None,
    )


def _unreadable(path: str, sha256: str | None, reason: str) -> Match:
    return Match(
        TIFF_file=Path(path).name,
        TIFF_path=path,
        used_ssim=False,
        verdict=Verdict.UNREADABLE,
        reason=reason,
        TIFF_sha256=sha256,
    )


def _limits(compare: config.Compare) -> decide.Limits:
    return decide.Limits(
        hamming_threshold=compare.hamming_threshold,
        ssim_hamming_threshold=compare.ssim_hamming_threshold,
        min_ssim=compare.min_ssim,
        min_residual=0.0,
        min_ssim_matched=0.0,
        min_margin=0.0,
    )


def _write(
    rows: list[Match],
    evidence: dict[str, Evidence],
    jpegs: Sequence[JpegHash],
    params: config.Params,
) -> None:
    compare = params.compare
    truth_path = Path(params.data.truth)
    truth = tables.read(truth_path, TruePair) if truth_path.exists() else None
    points = sweep.sweep(
        rows,
        evidence=evidence,
        jpegs=[row.path for row in jpegs],
        limits=_limits(compare),
        rule=decide.Rule(compare.rule),
        truth=truth,
    )
    tables.write(records.mapping_path(compare.n_tiff), Match, rows)
    tables.write(records.SWEEP, SweepPoint, points)
    write_json(records.METRICS / "compare.json", summary.summarise(rows, truth))
    limits = compare.model_dump(include={"hamming_threshold", "ssim_hamming_threshold", "min_ssim"})
    plots.write_all(rows, points, limits, records.PLOTS)
