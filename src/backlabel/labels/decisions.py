"""Decisions by people override verdicts, as long as they fit the files that they were made on."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backlabel.errors import DataError
from backlabel.labels.chosen import Chosen, Decided
from backlabel.storage import columns, names
from backlabel.storage.rows import (
    Choice,
    Decision,
    JpegHash,
    Match,
    PageKey,
    TiffHash,
    Verdict,
)


@dataclass(frozen=True)
class Known:
    """What a decision is held against: the hashed pictures, and categories by label.

    JPEGs stand there by path, TIFFs by path and page. `some_jpegs` says that this run looked at
    part of the JPEGs only.
    """

    tiffs: Mapping[PageKey, TiffHash]
    jpegs: Mapping[str, JpegHash]
    categories: Mapping[str, str]
    some_jpegs: bool = False


def categories(listed: Sequence[Sequence[str]], jpegs: Iterable[JpegHash]) -> dict[str, str]:
    """Category by label: of the scheme `listed`, or as the JPEGs have them where it lists none."""
    in_scheme = {f"L{i}": line[0] for i, line in enumerate(listed)}
    found = (columns.values(jpegs, name) for name in ("label", "category"))
    return in_scheme or dict(sorted({*zip(*found, strict=True)}))


def apply(
    decisions: Sequence[Decision], rows: Sequence[Match], known: Known
) -> tuple[Chosen, list[Decision]]:
    """The rows to label, in their order, and the decisions that took effect.

    A decision on an image that fits its files but is not part of this run (a draw of some TIFFs,
    one category's JPEGs) has no effect. One without a page is on the TIFF: rejected are all of its
    pages, accepted is the one whose row names the JPEG, else the first. A TIFF has one label: what
    a person accepted sets the rule's matches of other labels on its other pages aside. Raises
    DataError that names all decisions that do not fit.
    """
    by_path: dict[str, list[Match]] = {one.TIFF_path: [] for one in decisions}
    for i, path in enumerate(columns.values(rows, "TIFF_path")):
        if path in by_path:
            by_path[path].append(rows[i])
    _refuse(decisions, by_path, known)
    in_force = [
        one
        for one in decisions
        if _rows_of(one, by_path)
        and (one.decision is Choice.REJECT or one.JPEG_path in known.jpegs)
    ]
    inside = {row.key: one for one in in_force for row in _rows_of(one, by_path)}
    by_people: dict[int, Decided] = {}
    chosen = array("q")
    seen = zip(*(columns.values(rows, name) for name in _SEEN), strict=True)
    for i, (path, page, used_ssim, verdict) in enumerate(seen):
        decision = inside.get((path, page))
        if decision is None:
            if used_ssim and verdict is Verdict.MATCHED:
                chosen.append(i)
        elif decision.decision is not Choice.REJECT:
            by_people[i] = Decided(_accepted(rows[i], decision, known), decision)
            chosen.append(i)
    return _of_one_label(Chosen(rows, chosen, by_people)), in_force


_SEEN = ("TIFF_path", "page", "used_ssim", "verdict")


def _rows_of(one: Decision, rows: Mapping[str, Sequence[Match]]) -> list[Match]:
    """The rows that a decision is on; none where its TIFF is not part of this run."""
    own = rows.get(one.TIFF_path, ())
    if one.page is not None:
        return [row for row in own if row.page == one.page]
    if one.decision is Choice.REJECT:
        return [*own]
    return sorted(own, key=lambda row: row.JPEG_path != one.JPEG_path)[:1]


def _of_one_label(chosen: Chosen) -> Chosen:
    """`chosen` without the rule's matches that contradict a person's on another page."""
    decided = {one.match.TIFF_path: one.match.label for one in chosen.by_people.values()}
    labels = zip(chosen.values("TIFF_path"), chosen.values("label"), strict=True)
    fit = (decided.get(path, label) == label for path, label in labels)
    return chosen.taken(np.flatnonzero(np.fromiter(fit, bool, len(chosen))))


def _refuse(
    decisions: Sequence[Decision], rows: Mapping[str, Sequence[Match]], known: Known
) -> None:
    first_pages: dict[str, int] = {}
    for path, page in known.tiffs:
        if path in rows:
            first_pages.setdefault(path, page)
    problems = []
    seen: dict[str, list[Decision]] = {}
    for one in decisions:
        before = seen.setdefault(one.TIFF_path, [])
        page = first_pages.get(one.TIFF_path, 1) if one.page is None else one.page
        tiff = known.tiffs.get((one.TIFF_path, page))
        problem = _contradiction(one, before) or _misfit(one, tiff, _rows_of(one, rows), known)
        before.append(one)
        if problem:
            problems.append(f"  {_shown(one)}: {problem}")
    if problems:
        raise DataError(
            "reviews/decisions.csv: these decisions do not fit; look again, and change or remove "
            "their lines:\n" + "\n".join(problems)
        )


def _shown(one: Decision) -> str:
    page = "" if one.page is None else f", page {one.page}"
    return f"{names.to_cell(one.TIFF_path)}{page}"


def _contradiction(one: Decision, before: Sequence[Decision]) -> str:
    """Why a decision cannot stand beside those on the same TIFF that come `before` it."""
    if any(other.page is None or one.page in (None, other.page) for other in before):
        return "is decided twice"
    labels = {other.label for other in before if other.decision is not Choice.REJECT}
    if one.decision is not Choice.REJECT and labels - {one.label}:
        return f"another of its pages has label {labels.pop()} by decision; a TIFF has one label"
    return ""


def _misfit(one: Decision, tiff: TiffHash | None, rows: Sequence[Match], known: Known) -> str:
    """Why a decision on `tiff` and its `rows` cannot be followed, or nothing."""
    if tiff is None:
        return "no such TIFF among those that can be read"
    if tiff.sha256 != one.TIFF_sha256:
        return f"the TIFF has changed: its SHA-256 is {tiff.sha256}"
    if one.decision is not Choice.REJECT:
        return _misfit_of_pair(one, known)
    matched = [row.JPEG_path for row in rows if row.verdict is Verdict.MATCHED]
    if matched and one.JPEG_path not in (None, *matched):
        return f"the JPEG that is matched now is another: {names.to_cell(matched[0] or '')}"
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
    tiff, jpeg = known.tiffs[row.key], known.jpegs[one.JPEG_path]
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
        page=tiff.page,
    )


def _differing(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()
