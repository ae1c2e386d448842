"""From what a person chose on the page to lines that the label stage takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from backlabel.errors import DataError
from backlabel.review.desk import Desk, Pair
from backlabel.storage.rows import Choice, Decision, Shown

MAX_WHY = 2000  # characters of a reason
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Wish:
    """What a person chose for one pair; `jpeg` is the path of the one shown, None for the best."""

    choice: Choice
    label: str | None = None
    why: str = ""
    jpeg: str | None = None
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def decision(desk: Desk, pair: Pair, wish: Wish, who: str) -> tuple[Decision, Shown]:
    """The line of `wish` on `pair`. Raises DataError that says what is missing."""
    row = pair.row
    tiff = desk.tiffs.get(row.key)
    if wish.jpeg and wish.jpeg not in [copy.JPEG_path for copy in desk.copies(pair)]:
        raise DataError("The last run found other JPEGs for this TIFF: look at it again.")
    best = desk.jpegs.get(row.JPEG_path or "")
    jpeg = desk.jpegs.get(wish.jpeg) if wish.jpeg else best
    why = clean(wish.why)
    if tiff is None or tiff.sha256 != row.TIFF_sha256:
        raise DataError("The tables are of two runs: run `dvc repro`, and decide then.")
    choice, label = wish.choice, None
    if choice is not Choice.REJECT:
        if jpeg is None:
            raise DataError("There is no JPEG whose original it could be; it can be rejected.")
        label = wish.label if choice is Choice.RELABEL else jpeg.label
        if label not in desk.categories:
            raise DataError("Pick a label of the scheme.")
        if choice is Choice.RELABEL and label == jpeg.label:
            choice = Choice.ACCEPT  # it is the JPEG's own
        if choice is Choice.RELABEL and not why:
            raise DataError("Say in the reason why the label is another than the JPEG's.")
    else:
        jpeg = best  # not labelled at all: the pair itself counts
    page = row.page if len(desk.pages[row.TIFF_path]) > 1 else None
    made = Decision(
        TIFF_path=row.TIFF_path,
        TIFF_sha256=tiff.sha256,
        decision=choice,
        JPEG_path=jpeg.path if jpeg else None,
        JPEG_sha256=jpeg.sha256 if jpeg else None,
        label=label,
        who=who,
        why=why,
        page=page,
    )
    return made, Shown(row.TIFF_path, who, wish.when, row.JPEG_path, pair.scores, page)


@lru_cache(maxsize=16)  # one reason for ten thousand pairs
def clean(text: str) -> str:
    """`text` as a cell on one line that no spreadsheet takes for a formula."""
    line = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).strip()[:MAX_WHY]
    return f"'{line}" if line.startswith(_FORMULA) else line


def digest(pairs: Sequence[Pair]) -> str:
    """A name of a set of pairs: what a preview showed is what is decided, or nothing is."""
    lines = sorted(f"{pair.id} {pair.row.JPEG_path}" for pair in pairs)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
