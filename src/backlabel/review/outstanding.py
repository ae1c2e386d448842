"""What `dvc repro label` would change, as far as decisions change it."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel.labels.manifest import PERSON
from backlabel.review.book import Book, Several
from backlabel.review.desk import Desk
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Duplicate, Labelled, Verdict


@dataclass(frozen=True)
class Step:
    """One TIFF, and what will become of it."""

    path: str
    what: str


def steps(desk: Desk, book: Book) -> list[Step]:
    """For each TIFF whose place in the labelled set is not what was decided: what will be."""
    labelled: dict[str, Labelled] = {}
    if paths.MANIFEST.exists():
        labelled = {row.TIFF_path: row for row in tables.read(paths.MANIFEST, Labelled)}
    twins: set[str] = set()
    if paths.DUPLICATES.exists():
        twins = {row.TIFF_path for row in tables.read(paths.DUPLICATES, Duplicate)}
    decided = book.all()
    found = {
        path: _told(desk, made, labelled.get(path))
        for path, made in decided.items()
        # A decision waits until its TIFF is compared; a duplicate is labelled by its twin.
        if path in desk.by_tiff and not (path in twins and path not in labelled)
    }
    for path, pair in desk.by_tiff.items():
        row = labelled.get(path)
        if path in decided or path in twins:
            continue
        if row is not None and row.decided_by == PERSON:
            found[path] = "is decided by the rule again"
        elif row is None and labelled and pair.row.verdict is Verdict.MATCHED:
            found[path] = "is labelled by the rule again"
    return [Step(path, found[path]) for path in sorted(found) if found[path]]


def _told(desk: Desk, made: Several, now: Labelled | None) -> str:
    """What becomes of a TIFF that was decided and stands in the manifest as `now`, if anything."""
    if len(made) > 1:
        return "stops the stage: it is decided more than once"
    decision = made[0]
    if decision.decision is Choice.REJECT:
        return f"leaves {now.category} ({now.label})" if now else ""
    wanted = f"{desk.categories.get(decision.label or '', '?')} ({decision.label})"
    if now is None:
        return f"is added to {wanted}"
    if now.label != decision.label:
        return f"moves from {now.category} ({now.label}) to {wanted}"
    if now.decided_by != PERSON or now.JPEG_path != decision.JPEG_path:
        return f"stays in {wanted}, decided by {decision.who}"
    return ""
