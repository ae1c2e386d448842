"""Decisions by people override verdicts, as long as they fit the files that they were made on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from backlabel.errors import DataError
from backlabel.storage import names
from backlabel.storage.rows import Choice, Decision, JpegHash, Match, TiffHash, Verdict


@dataclass(frozen=True)
class Decided:
    """The row of a TIFF that is to be labelled, and the decision where a person made one."""

    match: Match
    decision: Decision | None = None


@dataclass(frozen=True)
class Known:
    """What a decision is held against: the hashed images by path, and categories by label.

    `some_jpegs` says that this run looked at part of the JPEGs only.
    """

    tiffs: Mapping[str, TiffHash]
    jpegs: Mapping[str, JpegHash]
    categories: Mapping[str, str]
    some_jpegs: bool = False


def categories(listed: Sequence[Sequence[str]], jpegs: Iterable[JpegHash]) -> dict[str, str]:
    """Category by label: of the scheme `listed`, or as the JPEGs have them where it lists none."""
    in_scheme = {f"L{i}": line[0] for i, line in enumerate(listed)}
    return in_scheme or dict(sorted({(row.label, row.category) for row in jpegs}))


def apply(
    decisions: Sequence[Decision], rows: Sequence[Match], known: Known
) -> tuple[list[Decided], list[Decision]]:
    """The rows to label, in their order, and the decisions that took effect.

    A decision on an image that fits its files but is not part of this run (a draw of some TIFFs,
    one category's JPEGs) has no effect. Raises DataError that names all decisions that do not fit.
    """
    by_path = {row.TIFF_path: row for row in rows}
    _refuse(decisions, by_path, known)
    inside = {
        one.TIFF_path: one
        for one in decisions
        if one.TIFF_path in by_path
        and (one.decision is Choice.REJECT or one.JPEG_path in known.jpegs)
    }
    chosen: list[Decided] = []
    for row in rows:
        decision = inside.get(row.TIFF_path)
        if decision is None:
            if row.used_ssim and row.verdict is Verdict.MATCHED:
                chosen.append(Decided(row))
        elif decision.decision is not Choice.REJECT:
            chosen.append(Decided(_accepted(row, decision, known), decision))
    return chosen, list(inside.values())


def _refuse(decisions: Sequence[Decision], rows: Mapping[str, Match], known: Known) -> None:
    problems = []
    seen: set[str] = set()
    for one in decisions:
        problem = _misfit(one, rows.get(one.TIFF_path), known)
        if one.TIFF_path in seen:
            problem = "is decided twice"
        seen.add(one.TIFF_path)
        if problem:
            problems.append(f"  {names.to_cell(one.TIFF_path)}: {problem}")
    if problems:
        raise DataError(
            "reviews/decisions.csv: these decisions do not fit; look again, and change or remove "
            "their lines:\n" + "\n".join(problems)
        )


def _misfit(one: Decision, row: Match | None, known: Known) -> str:
    """Why a decision cannot be followed, or nothing."""
    tiff = known.tiffs.get(one.TIFF_path)
    if tiff is None:
        return "no such TIFF among those that can be read"
    if tiff.sha256 != one.TIFF_sha256:
        return f"the TIFF has changed: its SHA-256 is {tiff.sha256}"
    if one.decision is not Choice.REJECT:
        return _misfit_of_pair(one, known)
    if row and row.verdict is Verdict.MATCHED and one.JPEG_path not in (None, row.JPEG_path):
        return f"the JPEG that is matched now is another: {names.to_cell(row.JPEG_path or '')}"
    return ""


def _misfit_of_pair(one: Decision, known: Known) -> str:
    if one.label not in known.categories:
        return f"the label scheme has no label {one.label!r}; it has {', '.join(known.categories)}"
    jpeg = known.jpegs.get(one.JPEG_path or "")
    shown = names.to_cell(one.JPEG_path or "")
    if jpeg is None:
        return "" if known.some_jpegs else f"no such JPEG among those that can be read: {shown}"
    if jpeg.sha256 != one.JPEG_sha256:
        return f"the JPEG has changed: the SHA-256 of {shown} is {jpeg.sha256}"
    return _misfit_of_label(one, jpeg, known)


def _misfit_of_label(one: Decision, jpeg: JpegHash, known: Known) -> str:
    own = one.label == jpeg.label
    if one.decision is Choice.ACCEPT and not own:
        return (
            f"{names.to_cell(jpeg.path)} has label {jpeg.label} ({jpeg.category}), not {one.label} "
            f"({known.categories[one.label or '']}). Write {jpeg.label}, or, if the JPEG's label "
            "is wrong, `relabel` in column decision and the reason in column why"
        )
    if one.decision is Choice.RELABEL and own:
        return f"{one.label} is the label of {names.to_cell(jpeg.path)} already: write `accept`"
    return ""


def _accepted(row: Match, one: Decision, known: Known) -> Match:
    assert one.JPEG_path is not None  # reviews.read had refused the line
    assert one.label is not None
    tiff, jpeg = known.tiffs[one.TIFF_path], known.jpegs[one.JPEG_path]
    # The scores of the row are those of its own pair: another pair has none of them.
    scored = row if row.JPEG_path == jpeg.path else _unscored(row, tiff, jpeg)
    done = "Accepted"
    if one.decision is Choice.RELABEL:
        done = f"Relabelled from {jpeg.label} to {one.label}"
    return replace(
        scored,
        verdict=Verdict.MATCHED,
        reason=f"{done} by a person: {one.why} (Without this decision: {row.verdict}.)",
        label=one.label,
        category=known.categories[one.label],
    )


def _unscored(row: Match, tiff: TiffHash, jpeg: JpegHash) -> Match:
    standardised = _differing(tiff.phash, jpeg.phash)
    grey = _differing(tiff.phash_grey, jpeg.phash_grey)
    ssim = row.runner_up_ssim if row.runner_up_path == jpeg.path else None
    return Match(
        TIFF_file=tiff.file,
        TIFF_path=tiff.path,
        TIFF_sha256=tiff.sha256,
        JPEG_file=jpeg.file,
        JPEG_path=jpeg.path,
        JPEG_sha256=jpeg.sha256,
        hamming_distance=min(standardised, grey),
        hamming_standardised=standardised,
        hamming_grey=grey,
        ssim_value=ssim,
        used_ssim=ssim is not None,
    )


def _differing(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()
