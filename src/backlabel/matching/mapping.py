"""From decisions to rows of the mapping."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from backlabel.errors import UnreadableImageError
from backlabel.matching.decide import Candidate, Decision
from backlabel.storage.rows import JpegHash, Match, TiffHash, Verdict


def row(
    tiff: TiffHash,
    decision: Decision,
    nearest: Candidate | None,
    jpegs: Sequence[JpegHash],
    same: Sequence[str] = (),
) -> Match:
    """The row of a TIFF that was compared.

    `nearest` is shown where the decision chose no candidate, to tell how far away it is; `same`
    are the paths of TIFFs with the same bytes.
    """
    shown = decision.chosen or nearest
    jpeg = jpegs[shown.row] if shown else None
    second = decision.runner_up
    matched = decision.verdict is Verdict.MATCHED
    sure = jpeg if decision.label_certain else None
    reason = decision.reason
    if tiff.information:
        reason = f"The image holds too little information to be matched ({tiff.information})."
    elif same:
        reason = f"{reason} The same bytes as {', '.join(same)}."
    return Match(
        TIFF_file=tiff.file,
        TIFF_path=tiff.path,
        JPEG_file=jpeg.file if jpeg else None,
        JPEG_path=jpeg.path if jpeg else None,
        hamming_distance=shown.distance if shown else None,
        ssim_value=shown.ssim if shown else None,
        used_ssim=shown is not None and shown.ssim is not None,
        verdict=decision.verdict,
        reason=reason,
        label=jpeg.label if matched and jpeg else None,
        category=jpeg.category if matched and jpeg else None,
        certain_label=sure.label if sure else None,
        variant=shown.variant if shown else None,
        hamming_standardised=shown.hamming if shown else None,
        hamming_grey=shown.hamming_grey if shown else None,
        ssim_matched=shown.ssim_matched if shown else None,
        noise_correlation_direct=shown.noise_correlation_direct if shown else None,
        noise_correlation_recompressed=shown.noise_correlation_recompressed if shown else None,
        noise_correlation_by_chance=shown.noise_correlation_by_chance if shown else None,
        noise_correlation=shown.noise_correlation
        if shown and shown.ssim_matched is not None
        else None,
        runner_up_path=jpegs[second.row].path if second else None,
        runner_up_hamming=second.distance if second else None,
        runner_up_ssim=second.ssim if second else None,
        runner_up_noise_correlation=second.noise_correlation
        if second and second.ssim_matched is not None
        else None,
        margin=decision.margin,
        TIFF_sha256=tiff.sha256,
        JPEG_sha256=jpeg.sha256 if jpeg else None,
    )


def unreadable(path: str, error: UnreadableImageError, sha256: str | None = None) -> Match:
    """The row of a TIFF that could not be read."""
    return Match(
        TIFF_file=PurePosixPath(path).name,
        TIFF_path=path,
        verdict=Verdict.UNREADABLE,
        reason=str(error),
        TIFF_sha256=sha256,
    )
