"""What `dvc repro label` would change, as far as decisions change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backlabel.labels.manifest import PERSON
from backlabel.review.book import Book, Several
from backlabel.review.desk import Desk, Pair
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
        rows = tables.read(paths.DUPLICATES, Duplicate)
        twins = {row.TIFF_path for row in rows if row.TIFF_path != row.same_as}
    decided = book.all()
    found = {
        path: _told(desk, made, labelled.get(path))
        for path, made in decided.items()
        # A decision waits until its TIFF is compared; a duplicate is labelled by its twin.
        if path in desk.by_tiff and not (path in twins and path not in labelled)
    }
    for path, pairs in desk.pages.items():
        row = labelled.get(path)
        if path in decided or path in twins:
            continue
        if row is not None and row.decided_by == PERSON:
            found[path] = "is decided by the rule again"
        elif row is None and labelled and _matched(pairs):
            found[path] = "is labelled by the rule again"
    return [Step(path, found[path]) for path in sorted(found) if found[path]]


def _matched(pairs: Sequence[Pair]) -> bool:
    return any(pair.row.verdict is Verdict.MATCHED for pair in pairs)


def _told(desk: Desk, made: Several, now: Labelled | None) -> str:
    """What becomes of a TIFF that was decided and stands in the manifest as `now`, if anything."""
    decided = {one.page for one in made}
    if len(decided) < len(made) or (None in decided and len(made) > 1):
        return "stops the stage: it is decided more than once"
    accepted = [one for one in made if one.decision is not Choice.REJECT]
    if not accepted:
        others = [pair for pair in desk.pages[made[0].TIFF_path] if pair.row.page not in decided]
        stays = None not in decided and _matched(others)
        return f"leaves {now.category} ({now.label})" if now and not stays else ""
    decision = accepted[0]
    wanted = f"{desk.categories.get(decision.label or '', '?')} ({decision.label})"
    if now is None:
        return f"is added to {wanted}"
    if now.label != decision.label:
        return f"moves from {now.category} ({now.label}) to {wanted}"
    if now.decided_by != PERSON or now.JPEG_path != decision.JPEG_path:
        return f"stays in {wanted}, decided by {decision.who}"
    return ""
