"""From decisions to rows of the mapping."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from backlabel.errors import UnreadableImageError
from backlabel.matching import assign
from backlabel.matching.decide import Decision
from backlabel.matching.engine import Outcome
from backlabel.matching.evidence import Candidate
from backlabel.storage.rows import JpegHash, Match, PageKey, TiffHash, Verdict


def rows(tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash], outcome: Outcome) -> list[Match]:
    """A row for each picture; those of identical bytes name each other."""
    same = assign.duplicates([(tiff.sha256, tiff.page) for tiff in tiffs])
    found = []
    for i, tiff in enumerate(tiffs):
        decision, known = outcome.decisions[i], outcome.evidence[i]
        if isinstance(known, UnreadableImageError):
            found.append(unreadable(tiff.key, known, tiff.sha256))
            continue
        assert decision is not None
        nearest = min(known, key=lambda one: (one.distance, one.row), default=None)
        others = [tiffs[j].path for j in same.get(i, ())]
        found.append(row(tiff, decision, nearest, jpegs, others))
    return found


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
        ssim_matched=scores.ssim_matched if scores else None,
        explained=scores.explained if scores else None,
        spoke=scores.spoke if scores else None,
        degradation=scores.degradation if scores else None,
        runner_up_path=jpegs[second.row].path if second else None,
        runner_up_hamming=second.distance if second else None,
        runner_up_ssim=second.ssim if second else None,
        runner_up_explained=second.explained if second else None,
        margin=decision.margin,
        TIFF_sha256=tiff.sha256,
        JPEG_sha256=jpeg.sha256 if jpeg else None,
        page=tiff.page,
    )


def _reason(tiff: TiffHash, decision: Decision, same: Sequence[str]) -> str:
    if tiff.information:
        return f"The image holds too little information to be matched ({tiff.information})."
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
