"""`reviews/decisions.csv` as several tabs, several servers and people with editors write it.

Each change is read, changed and written whole under a lock. What was shown to whom and when stands
in `reviews/shown.csv` beside it, which no stage reads.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backlabel.labels import reviews
from backlabel.review.lines import Line, Lines
from backlabel.storage import paths, tables
from backlabel.storage.files import lock
from backlabel.storage.rows import Decision, Shown

_PATIENCE_S = 10.0
_HISTORY = 1000  # actions that can be undone

Several = tuple[Decision, ...]
"""The lines on one TIFF: one, or none, or several after two branches were merged."""
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Action:
    """What one action replaced, by TIFF path."""

    before: Mapping[str, Several]
    after: Mapping[str, Several]
    shown: Mapping[str, tuple[Shown, ...]]
    """What was noted as shown before it."""


class Book:
    """The decisions by TIFF path. `version` grows by one with each TIFF whose decision changes."""

    def __init__(self, path: Path = paths.DECISIONS, shown: Path = paths.SHOWN) -> None:
        self._path, self._shown_path = path, shown
        self._guard = threading.RLock()
        self._stamp: Stamp = ()
        self._decisions = Lines(path, Decision, [])
        self._shown = Lines(shown, Shown, [])
        self._changed: list[str] = []
        self._done: dict[str, list[Action]] = defaultdict(list)
        with self._guard:
            self._load()
        self._changed.clear()

    @property
    def version(self) -> int:
        """How many changes there have been; `changed_since` names them."""
        return len(self._changed)

    def changed_since(self, version: int) -> list[str]:
        """The paths of the TIFFs whose decisions changed after `version`."""
        return list(dict.fromkeys(self._changed[max(version, 0) :]))

    def refresh(self) -> None:
        """Read the file again where somebody else has written it. Raises as `reviews.read`."""
        with self._guard:
            if _stamp(self._path, self._shown_path) != self._stamp:
                self._load()

    def of(self, tiff_path: str, page: int | None = None) -> Several:
        """The decisions on a TIFF; with `page` those on this page or on the TIFF as a whole."""
        return _on(self._decisions.of(tiff_path), page)

    def shown(self, tiff_path: str, page: int | None = None) -> tuple[Shown, ...]:
        """What people had before them when they decided."""
        return _on(self._shown.of(tiff_path), page)

    def reasons(self, most: int = 20) -> list[str]:
        """Reasons that were given, the most frequent first."""
        counts: dict[str, int] = defaultdict(int)
        for several in self._decisions.all().values():
            for one in several:
                if one.why:
                    counts[one.why] += 1
        return sorted(counts, key=lambda why: (-counts[why], why))[:most]

    def all(self) -> Mapping[str, Several]:
        """All decisions by TIFF path."""
        return self._decisions.all()

    def decide(self, made: Iterable[tuple[Decision, Shown]], tab: str) -> None:
        """Write decisions, each in the place of what was decided on its TIFF or its page before.

        The tab can undo them together. Raises OutputError, and then nothing has changed.
        """
        with self._writing():
            before: dict[str, Several] = {}
            changed: dict[str, Several] = {}
            noted_before: dict[str, tuple[Shown, ...]] = {}
            noted: dict[str, tuple[Shown, ...]] = {}
            for decision, shown in made:
                path, page = decision.TIFF_path, decision.page
                if path not in changed:
                    before[path] = changed[path] = self._decisions.of(path)
                    noted_before[path] = noted[path] = self._shown.of(path)
                changed[path] = (*_on_others(changed[path], page), decision)
                noted[path] = (*_on_others(noted[path], page), shown)
            self._write(changed, noted)
            history = self._done[tab]
            history.append(Action(before, changed, noted_before))
            del history[:-_HISTORY]

    def undo(self, tab: str) -> list[str]:
        """Take back the last action of a tab; the paths that it was about.

        What was decided anew since, elsewhere, stays as it is.
        """
        with self._writing():
            if not self._done[tab]:
                return []
            last = self._done[tab][-1]
            ours = [path for path, after in last.after.items() if self.of(path) == after]
            self._write(
                {path: last.before[path] for path in ours},
                {path: last.shown[path] for path in ours},
            )
            self._done[tab].pop()
            return ours

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # The lock keeps two servers apart, the guard two requests of this one.
        with self._guard, lock(_LOCK, timeout_s=_PATIENCE_S):
            self.refresh()
            yield

    def _write(
        self, changed: Mapping[str, Several], noted: Mapping[str, tuple[Shown, ...]]
    ) -> None:
        # Somebody may have taken decisions out by hand.
        stale = self._shown.all().keys() - self._decisions.all().keys() - noted.keys()
        # First what no stage reads: an error or a kill between the two has decided nothing.
        self._shown.write({**noted, **dict.fromkeys(stale, ())})
        self._decisions.write(changed)
        self._stamp = _stamp(self._path, self._shown_path)
        self._changed += changed

    def _load(self) -> None:
        stamp = _stamp(self._path, self._shown_path)
        decisions = Lines(self._path, Decision, reviews.read(self._path))
        notes: list[Shown] = []
        if self._shown_path.exists():
            notes = tables.read(
                self._shown_path, Shown, optional=["page"], remedy="Remove it, or restore it."
            )
        shown = Lines(self._shown_path, Shown, notes)
        tables_of_lines = (decisions, self._decisions, shown, self._shown)
        known = {path for lines in tables_of_lines for path in lines.all()}
        self._changed += [
            path
            for path in known
            if decisions.of(path) != self._decisions.of(path)
            or shown.of(path) != self._shown.of(path)
        ]
        self._decisions, self._shown, self._stamp = decisions, shown, stamp


_LOCK = Path(".backlabel") / "decisions.lock"


def _on(lines: tuple[Line, ...], page: int | None) -> tuple[Line, ...]:
    """Those of a TIFF's `lines` that are on `page`, which a line without a page is."""
    if page is None or (len(lines) == 1 and lines[0].page is None):
        return lines  # nearly always, and for ten thousand at once
    return tuple(one for one in lines if one.page in (None, page))


def _on_others(lines: tuple[Line, ...], page: int | None) -> tuple[Line, ...]:
    """Those that stay when `page`, or the whole TIFF, is decided anew."""
    if page is None:
        return ()
    return tuple(one for one in lines if one.page not in (None, page))


def _stamp(*files: Path) -> Stamp:
    """What changes when somebody writes one of `files`."""
    found: list[int] = []
    for file in files:
        try:
            status = file.stat()
        except FileNotFoundError:
            found.append(0)
        else:
            found += [status.st_mtime_ns, status.st_ino, status.st_size]
    return tuple(found)
