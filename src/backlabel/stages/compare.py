"""Stage compare: for each TIFF its JPEG, the scores of the pair, and the verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backlabel import config, images
from backlabel.errors import ConfigError, UnreadableImageError
from backlabel.hashing import from_hexes
from backlabel.images import encoding
from backlabel.matching import assign, decide, device, mapping, scoring, search, variants
from backlabel.matching.candidates import Nearest, Query, candidates
from backlabel.matching.decide import Candidate, Rule
from backlabel.matching.variants import Variant
from backlabel.memory import keep_freed
from backlabel.reporting import drawing, summary, sweep
from backlabel.storage import paths, tables
from backlabel.storage.files import write_json
from backlabel.storage.rows import JpegHash, Match, Passed, SweepPoint, TiffHash, TruePair
from backlabel.workers.progress import track

if TYPE_CHECKING:
    from backlabel.matching.index import MultiHash

_IDENTITY = Variant("identity")
_RECALL_SAMPLE = 1000  # TIFFs; exact search of more would undo what the index saves
_HEADER = 1 << 16  # bytes; a JPEG's tables stand before its image data


def main(params: config.Params) -> None:
    """Match the TIFFs of the hash tables to the JPEGs; write mapping, metrics, sweep and plots."""
    keep_freed()
    all_jpegs = tables.read(paths.JPEG_HASHES, JpegHash)
    jpegs = [row for row in all_jpegs if not row.information]
    tiffs = tables.read(paths.TIFF_HASHES, TiffHash)
    unreadable = tables.read(paths.UNREADABLE, Passed)
    failed = [row for row in unreadable if row.kind == "tiff"]
    looked_at = {*(row.path for row in all_jpegs), *(row.path for row in unreadable)}
    truth = summary.known_pairs(Path(params.data.truth), looked_at)
    chosen = _draw([row.path for row in tiffs] + [row.path for row in failed], params.compare)
    tiffs = [row for row in tiffs if row.path in chosen]

    comparison = _Comparison(tiffs, jpegs, params)
    evidence = comparison.evidence()
    found = _rows(tiffs, jpegs, evidence, params.compare)
    found += [
        mapping.unreadable(row.path, UnreadableImageError(row.reason, row.detail))
        for row in failed
        if row.path in chosen
    ]
    found.sort(key=lambda row: os.fsencode(row.TIFF_path))
    by_path = {tiff.path: known for tiff, known in zip(tiffs, evidence, strict=True)}
    _write(found, by_path, jpegs, params, recall=comparison.recall(), truth=truth)


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


class _Comparison:
    """The scored candidates of every TIFF: first as it is, then, where that fails, changed."""

    def __init__(
        self, tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash], params: config.Params
    ) -> None:
        self.tiffs, self.jpegs, self.compare = tiffs, jpegs, params.compare
        self.limits = limits(params.compare)
        self.rule = Rule(params.compare.rule)
        self.read_limits = images.Limits(
            max_pixels=params.read.max_pixels, max_bytes=params.read.max_bytes
        )
        self.compute = scoring.Compute(
            device=device.resolve(params.compare.device),
            batch_size=params.compare.batch_size,
            memory_mib=params.compare.memory_mib,
            threads=len(os.sched_getaffinity(0)),
            complete=self.rule is Rule.COMBINED,
            window=params.compare.ssim_window,
        )
        self.standardised = from_hexes([row.phash for row in jpegs])
        both = params.compare.hashes == "both"
        self.grey = from_hexes([row.phash_grey for row in jpegs]) if both else None
        self.index, self.index_grey = self._index(self.standardised), self._index(self.grey)

    def _index(self, base: NDArray[np.uint8] | None) -> MultiHash | None:
        if base is None or len(base) < self.compare.index_from:
            return None
        from backlabel.matching.index import MultiHash  # noqa: PLC0415 - few runs need faiss

        return MultiHash(base)

    def recall(self) -> dict[str, float]:
        """Share of the exactly nearest JPEGs that an index finds too; empty without an index."""
        tiffs = [tiff for tiff in self.tiffs if not tiff.information]
        asked = {
            "standardised": (self.index, [tiff.phash for tiff in tiffs]),
            "grey": (self.index_grey, [tiff.phash_grey for tiff in tiffs]),
        }
        bits = self.compare.hamming_threshold
        return {
            name: index.recall(from_hexes(hashes), max_bits=bits, sample=_RECALL_SAMPLE).share
            for name, (index, hashes) in asked.items()
            if index is not None
        }

    def evidence(self) -> list[scoring.Scored]:
        """The candidates of each TIFF with their scores, or why it could not be read."""
        found = self._scored(self._search([self._as_it_is(tiff) for tiff in self.tiffs]), "compare")
        sources = [name for name in self.compare.variants if name != _IDENTITY.source]
        if not sources:
            return found
        missed = [i for i, known in enumerate(found) if self._is_missed(self.tiffs[i], known)]
        queries: list[list[Query]] = [[] for _ in self.tiffs]
        with ThreadPoolExecutor(self.compute.threads) as pool:
            changed = pool.map(lambda i: self._changed(self.tiffs[i], sources), missed)
            for i, own in zip(missed, track(changed, "variants", total=len(missed)), strict=True):
                queries[i] = own
        changed_found = self._scored(self._search(queries), "compare variants")
        return [_joined(one, other) for one, other in zip(found, changed_found, strict=True)]

    def _as_it_is(self, tiff: TiffHash) -> list[Query]:
        if tiff.information:
            return []
        standardised, grey = from_hexes([tiff.phash, tiff.phash_grey])
        return [(_IDENTITY, standardised, grey)]

    def _changed(self, tiff: TiffHash, sources: Sequence[str]) -> list[Query]:
        shapes = {(row.height, row.width) for row in self.jpegs}
        wanted = variants.expand(sources, (tiff.height, tiff.width), sorted(shapes))
        try:
            grey = images.read(Path(tiff.path), self.read_limits).grey
        except UnreadableImageError:
            return []  # scoring reads it again and says why, if there is anything to score
        return list(variants.hashes(grey, wanted))

    def _is_missed(self, tiff: TiffHash, known: scoring.Scored) -> bool:
        if tiff.information or isinstance(known, UnreadableImageError):
            return False
        return not decide.decide(known, self.limits, self.rule).acceptable

    def _search(self, queries: Sequence[Sequence[Query]]) -> list[list[Candidate]]:
        return candidates(
            queries,
            self.standardised,
            self.grey,
            k=self.compare.top_k,
            labels=[jpeg.label for jpeg in self.jpegs],
            nearest=_search(self.index),
            nearest_grey=_search(self.index_grey),
        )

    def _scored(self, found: list[list[Candidate]], what: str) -> list[scoring.Scored]:
        """`found` with the scores of those below the SSIM threshold."""
        scored: list[scoring.Scored] = list(found)
        limit = self.compare.ssim_hamming_threshold
        close = [[one for one in own if one.distance < limit] for own in found]
        asked = [i for i, own in enumerate(close) if own]
        groups = [
            scoring.Group(
                self.tiffs[i].path,
                tuple(close[i]),
                tuple(self.jpegs[one.row].path for one in close[i]),
            )
            for i in asked
        ]
        results = scoring.score(groups, self._load, self.compute)
        for i, result in zip(asked, track(results, what, total=len(groups)), strict=True):
            far = found[i][len(close[i]) :]  # nearest first, so these are the others
            scored[i] = result if isinstance(result, UnreadableImageError) else [*result, *far]
        return scored

    def _load(self, path: str) -> scoring.Loaded:
        file = Path(path)
        # Held open until the end: picture and header must be of the same, unchanged file.
        with images.opened(file, max_bytes=self.read_limits.max_bytes) as source:
            picture = images.read(file, self.read_limits)
            if picture.kind != "jpeg" or not self.compute.complete:
                return scoring.Loaded(picture.grey, None)
            head = source.read(0, min(_HEADER, source.size))
        try:
            return scoring.Loaded(picture.grey, encoding.luma_table(head))
        except UnreadableImageError:
            return scoring.Loaded(picture.grey, None)  # it states no table: scored without


def _search(index: MultiHash | None) -> Nearest:
    if index is None:
        return search.nearest
    known = index
    return lambda query, _, k: known.nearest(query, k=k)


def limits(compare: config.Compare) -> decide.Limits:
    """The limits of the decision, from the parameters."""
    return decide.Limits(
        hamming_threshold=compare.hamming_threshold,
        ssim_hamming_threshold=compare.ssim_hamming_threshold,
        min_ssim=compare.min_ssim,
        min_noise_correlation=compare.min_noise_correlation,
        min_ssim_matched=compare.min_ssim_matched,
        min_margin=compare.min_margin,
    )


def _joined(one: scoring.Scored, other: scoring.Scored) -> scoring.Scored:
    if isinstance(one, UnreadableImageError):
        return one
    return other if isinstance(other, UnreadableImageError) else [*one, *other]


def _rows(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    evidence: Sequence[scoring.Scored],
    compare: config.Compare,
) -> list[Match]:
    """A row for each TIFF. Under the combined rule a JPEG is given to one TIFF at most."""
    found = [
        mapping.unreadable(tiff.path, known, tiff.sha256)
        for tiff, known in zip(tiffs, evidence, strict=True)
        if isinstance(known, UnreadableImageError)
    ]
    readable = [
        (tiff, known)
        for tiff, known in zip(tiffs, evidence, strict=True)
        if not isinstance(known, UnreadableImageError)
    ]
    rule = Rule(compare.rule)
    digests = [tiff.sha256 for tiff, _ in readable]
    decisions = [decide.decide(known, limits(compare), rule) for _, known in readable]
    if rule is Rule.COMBINED:
        decisions = assign.one_to_one(decisions, digests, limits(compare), rule)
    same = assign.duplicates(digests)
    for i, ((tiff, known), decision) in enumerate(zip(readable, decisions, strict=True)):
        nearest = min(known, key=lambda one: (one.distance, one.row), default=None)
        others = [readable[j][0].path for j in same.get(i, [])]
        found.append(mapping.row(tiff, decision, nearest, jpegs, others))
    return found


def _write(
    found: list[Match],
    evidence: dict[str, scoring.Scored],
    jpegs: Sequence[JpegHash],
    params: config.Params,
    *,
    recall: dict[str, float],
    truth: list[TruePair] | None,
) -> None:
    compare = params.compare
    points = sweep.sweep(
        found,
        evidence=evidence,
        jpegs=[row.path for row in jpegs],
        limits=limits(compare),
        rule=Rule(compare.rule),
        truth=truth,
    )
    tables.write(paths.mapping_path(compare.n_tiff), Match, found)
    tables.write(paths.SWEEP, SweepPoint, points)
    metrics = summary.summarise(found, truth) | ({"index_recall": recall} if recall else {})
    write_json(paths.METRICS / "compare.json", metrics)
    drawing.write_all(found, points, compare.model_dump(), paths.PLOTS)
