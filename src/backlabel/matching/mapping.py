"""From decisions to rows of the mapping."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.matching import assign, placing
from backlabel.matching.decide import Decision
from backlabel.matching.engine import Outcome
from backlabel.matching.evidence import Candidate
from backlabel.storage import columns
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.rows import JpegHash, Match, PageKey, Passed, TiffHash, Verdict


def rows(
    tiffs: Sequence[TiffHash],
    jpegs: Sequence[JpegHash],
    outcome: Outcome,
    failed: Sequence[Passed] = (),
) -> Iterator[Match]:
    """A row for each picture, by path and page; those of identical bytes name each other.

    `failed` are the TIFFs and pages that had no hash.
    """
    same = _same(tiffs)

    def of(i: int, tiff: TiffHash) -> Match:
        decision, known = outcome.decision(i), outcome.evidence[i]
        if isinstance(known, UnreadableImageError):
            return unreadable(tiff.key, known, tiff.sha256)
        assert decision is not None
        nearest = min(known, key=lambda one: (one.distance, one.row), default=None)
        others = [columns.value(tiffs, j, "path") for j in same.get(i, ())]
        return row(tiff, decision, nearest, jpegs, others)

    found = (of(i, tiff) for i, tiff in _in_order(tiffs))
    lost = (
        unreadable((one.path, one.page or 1), UnreadableImageError(one.reason, one.detail))
        for one in sorted(failed, key=lambda one: _order(one.path, one.page or 1))
    )
    return heapq.merge(found, lost, key=lambda one: _order(*one.key))


def _same(tiffs: Sequence[TiffHash]) -> dict[int, list[int]]:
    """The other pictures of identical content, for each that has any."""
    # Few files share 64 bits of a digest, so that few are looked at as objects.
    starts = np.ascontiguousarray(columns.packed(tiffs, "sha256")[:, :8]).view(np.uint64).ravel()
    _, which, counts = np.unique(starts, return_inverse=True, return_counts=True)
    some = np.flatnonzero(counts[which] > 1).tolist()
    contents = (columns.values(columns.taken(tiffs, some), name) for name in ("sha256", "page"))
    same = assign.duplicates(zip(*contents, strict=True))
    return {some[i]: [some[j] for j in others] for i, others in same.items()}


def _order(path: str, page: int) -> tuple[bytes, int]:
    return os.fsencode(path), page


def _in_order(tiffs: Sequence[TiffHash]) -> Iterator[tuple[int, TiffHash]]:
    """The TIFFs by path and page, with their numbers."""

    def keys() -> Iterator[tuple[bytes, int]]:
        return map(_order, columns.values(tiffs, "path"), columns.values(tiffs, "page"))

    order = columns.in_order(keys, len(tiffs))
    return zip(order, columns.taken(tiffs, order), strict=True)


def row(
    tiff: TiffHash,
    decision: Decision,
    nearest: Candidate | None,
    jpegs: Sequence[JpegHash],
    same: Sequence[str] = (),
) -> Match:
    """The row of a TIFF that was compared.

    `nearest` is shown where the decision chose no candidate, to say how far away it is; `same`
    are the paths of TIFFs with the same bytes.
    """
    shown, second = decision.chosen or nearest, decision.runner_up
    pair = shown.pair if shown else None
    scores = shown.scores if shown else None
    jpeg = jpegs[shown.row] if shown else None
    matched = jpeg if decision.verdict is Verdict.MATCHED else None
    return Match(
        TIFF_file=tiff.file,
        TIFF_path=tiff.path,
        JPEG_file=jpeg.file if jpeg else None,
        JPEG_path=jpeg.path if jpeg else None,
        hamming_distance=pair.distance if pair else None,
        ssim_value=scores.ssim if scores else None,
        used_ssim=scores is not None and scores.ssim is not None,
        verdict=decision.verdict,
        reason=_reason(tiff, decision, same),
        label=matched.label if matched else None,
        category=matched.category if matched else None,
        certain_label=jpeg.label if jpeg and decision.label_certain else None,
        variant=pair.variant if pair else None,
        hamming_standardised=pair.hamming_standardised if pair else None,
        hamming_grey=pair.hamming_grey if pair else None,
        explained=scores.explained if scores else None,
        spoke=scores.spoke if scores else None,
        degradation=scores.degradation if scores else None,
        runner_up_path=columns.value(jpegs, second.row, "path") if second else None,
        runner_up_hamming=second.distance if second else None,
        runner_up_ssim=second.ssim if second else None,
        runner_up_explained=second.explained if second else None,
        margin=decision.margin,
        TIFF_sha256=tiff.sha256,
        JPEG_sha256=jpeg.sha256 if jpeg else None,
        page=tiff.page,
        **placing.columns(pair.part if pair else None),
    )


def candidates(
    tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash], outcome: Outcome
) -> Iterator[CandidateRow]:
    """The JPEGs that came near each picture, best first; of a part every place that was found."""
    for i, tiff in _in_order(tiffs):
        decision, known = outcome.decision(i), outcome.evidence[i]
        if decision is None or decision.chosen is None or isinstance(known, UnreadableImageError):
            continue
        for rank, best in enumerate((decision.chosen, *decision.others), 1):
            places = [one for one in known if one.row == best.row and one.pair.part is not None]
            for one in dict.fromkeys([best, *places]):
                is_accepted = one in decision.acceptable
                yield _candidate(tiff, jpegs[one.row], one, rank, is_accepted=is_accepted)


def _candidate(
    tiff: TiffHash, jpeg: JpegHash, one: Candidate, rank: int, *, is_accepted: bool
) -> CandidateRow:
    return CandidateRow(
        TIFF_path=tiff.path,
        page=tiff.page,
        rank=rank,
        JPEG_path=jpeg.path,
        label=jpeg.label,
        category=jpeg.category,
        accepted=is_accepted,
        variant=one.pair.variant,
        hamming_distance=one.distance,
        ssim_value=one.ssim,
        explained=one.explained,
        spoke=one.spoke,
        **placing.columns(one.pair.part),
    )


def _reason(tiff: TiffHash, decision: Decision, same: Sequence[str]) -> str:
    if tiff.information and decision.verdict is Verdict.NO_CANDIDATE:
        why = tiff.information
        return f"The image holds too little information to be matched by its hash ({why})."
    return f"{decision.reason} The same bytes as {', '.join(same)}." if same else decision.reason


def unreadable(key: PageKey, error: UnreadableImageError, sha256: str | None = None) -> Match:
    """The row of a picture that could not be read."""
    path, page = key
    return Match(
        TIFF_file=PurePosixPath(path).name,
        TIFF_path=path,
        verdict=Verdict.UNREADABLE,
        reason=str(error),
        TIFF_sha256=sha256,
        page=page,
    )
