"""The pairs of the last run as people look at them: in what order, and what is decided of each."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from backlabel import config
from backlabel.labels import decisions
from backlabel.review import bars
from backlabel.review.book import Book, Several
from backlabel.storage import large, paths
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.rows import Choice, Decision, JpegHash, Match, PageKey, TiffHash, Verdict

OPEN, AGAIN = "open", "again"
"""States of a pair that nobody decided, and of one that is to be decided again; else the choice."""
UNMATCHED = "not matched"
"""Any verdict but a match, where a verdict is asked for."""
NEEDS_LOOK = (Verdict.AMBIGUOUS, Verdict.TOO_DIFFERENT, Verdict.NOT_VERIFIED)


@dataclass(frozen=True)
class Pair:
    """One TIFF with its best candidate; `id` is the same for the same file at the same place."""

    id: str
    row: Match
    slack: float | None
    scores: str
    """In one line: where it becomes another, people are asked again."""


@dataclass(frozen=True)
class Wanted:
    """Which pairs are asked for; an empty text asks for all."""

    state: str = ""
    verdict: str = ""
    category: str = ""
    folder: str = ""
    text: str = ""
    least: float | None = None
    most: float | None = None
    """Bounds of the margin by which a pair passes or fails, inclusive."""


@dataclass
class Desk:
    """What the stages found, as the tables had it when they were read."""

    params: config.Params
    pairs: list[Pair]
    tiffs: Mapping[PageKey, TiffHash]
    jpegs: Mapping[str, JpegHash]
    others: Mapping[PageKey, list[CandidateRow]]
    """The JPEGs that came near a picture beside that of its row: the runner-up is the first."""
    name: str = field(init=False, default_factory=lambda: secrets.token_hex(8))
    """Another one for each reading of the tables: a page knows by it that its pairs are old."""
    by_id: dict[str, Pair] = field(init=False)
    by_tiff: dict[str, Pair] = field(init=False)
    """Of several pages the one that comes first."""
    pages: dict[str, list[Pair]] = field(init=False)
    by_jpeg: dict[str, list[Pair]] = field(init=False)
    _known: tuple[Book, int, dict[str, str]] | None = field(init=False, default=None)
    """The states of all pairs at a version of a book."""

    def __post_init__(self) -> None:
        self.by_id = {pair.id: pair for pair in self.pairs}
        self.pages = defaultdict(list)
        for pair in self.pairs:
            self.pages[pair.row.TIFF_path].append(pair)
        self.by_tiff = {path: pairs[0] for path, pairs in self.pages.items()}
        self.by_jpeg = defaultdict(list)
        for pair in self.pairs:
            for copy in self.copies(pair):
                self.by_jpeg[copy.JPEG_path or ""].append(pair)

    @cached_property
    def _doubtful(self) -> list[str]:
        return [pair.id for pair in self.pairs if pair.row.verdict in NEEDS_LOOK]

    @cached_property
    def categories(self) -> dict[str, str]:
        """Category by label, of the scheme in force."""
        return decisions.categories(self.params.labels.categories, self.jpegs.values())

    def copies(self, pair: Pair) -> list[Match | CandidateRow]:
        """The JPEGs that the TIFF of a pair may be the original of, best first; none twice."""
        return [pair.row, *self.others.get(pair.row.key, [])] if pair.row.JPEG_path else []

    def category(self, row: Match) -> str:
        """The category of the JPEG of a row; empty where there is none."""
        jpeg = self.jpegs.get(row.JPEG_path or "")
        return jpeg.category if jpeg else ""

    def states(self, book: Book) -> Mapping[str, str]:
        """The state of each pair by its id; only what changed since the last call is looked at."""
        version = book.version
        if self._known is None or self._known[0] is not book:
            states = {pair.id: self.state(pair, book) for pair in self.pairs}
        else:
            _, before, known = self._known
            if before == version:
                return known
            changed = book.changed_since(before)
            states = known | {
                pair.id: self.state(pair, book)
                for path in changed
                for pair in self.pages.get(path, [])
            }
        self._known = book, version, states  # replaced as a whole: requests run side by side
        return states

    def state(self, pair: Pair, book: Book) -> str:
        """OPEN, AGAIN or the choice."""
        made = book.of(*pair.row.key)
        if not made:
            return OPEN
        return AGAIN if self.why_again(pair, book, made) else made[0].decision

    def why_again(self, pair: Pair, book: Book, made: Several) -> str:
        """Why what was decided is asked again; empty where it holds."""
        if len(made) > 1:
            told = ", ".join(f"{one.who}: {one.decision}" for one in made)
            return f"It was decided more than once ({told})."
        decision = made[0]
        if decision.TIFF_sha256 != pair.row.TIFF_sha256:
            return "The TIFF has changed since it was decided."
        if decision.JPEG_path:
            jpeg = self.jpegs.get(decision.JPEG_path)
            if jpeg is None:
                return "The JPEG that was decided on is not there any more."
            if decision.JPEG_sha256 and jpeg.sha256 != decision.JPEG_sha256:
                return "The JPEG has changed since it was decided."
        return self._other_scores(pair, book, decision)

    def _other_scores(self, pair: Pair, book: Book, decision: Decision) -> str:
        row = pair.row
        if (
            decision.decision is Choice.REJECT
            and row.verdict is Verdict.MATCHED
            and decision.JPEG_path not in (None, row.JPEG_path)
        ):
            return "Another JPEG is matched now."
        noted = book.shown(*row.key)
        now = pair.scores, row.JPEG_path
        if noted and now not in [(one.scores, one.JPEG_path) for one in noted]:
            return f"The scores were others when it was decided: {noted[-1].scores}."
        return ""

    def chosen(self, wanted: Wanted, book: Book) -> list[tuple[Pair, str]]:
        """The pairs that are asked for, each with its state, in the order of the queue.

        Those that are to be decided again come first.
        """
        pairs = self.pairs
        if wanted.verdict == UNMATCHED:
            pairs = [pair for pair in pairs if pair.row.verdict is not Verdict.MATCHED]
        elif wanted.verdict:
            pairs = [pair for pair in pairs if pair.row.verdict == wanted.verdict]
        if wanted.category:
            pairs = [pair for pair in pairs if self.category(pair.row) == wanted.category]
        if wanted.folder:
            pairs = [pair for pair in pairs if is_below(pair.row.TIFF_path, wanted.folder)]
        if wanted.text:
            text = wanted.text.casefold()
            pairs = [pair for pair in pairs if text in _searched(pair.row)]
        if (wanted.least, wanted.most) != (None, None):
            pairs = [pair for pair in pairs if _within(pair.slack, wanted.least, wanted.most)]
        states = self.states(book)
        found = [(pair, states[pair.id]) for pair in pairs]
        again = [one for one in found if one[1] == AGAIN and wanted.state in ("", OPEN, AGAIN)]
        others = [one for one in found if one[1] != AGAIN and wanted.state in ("", one[1])]
        return again + others

    def counts(self, book: Book) -> dict[str, int]:
        """How many pairs there are in each state, and how many of the open ones need a look."""
        states = self.states(book)
        counts = Counter(states.values())
        look = counts[AGAIN] + sum(states[id_] == OPEN for id_ in self._doubtful)
        return {"all": len(states), "look": look, **counts}

    def folders(self) -> list[str]:
        """The folders in which TIFFs lie, in order."""
        return sorted({PurePosixPath(pair.row.TIFF_path).parent.as_posix() for pair in self.pairs})


def is_below(path: str, folder: str) -> bool:
    """Whether a file lies in `folder` or below it."""
    return path.startswith(f"{folder}/")


def load(params: config.Params) -> Desk:
    """What the last run found. Raises TableError where it has not run, or other stages since."""
    rows = large.read(paths.mapping_path(params.compare.n_tiff), Match)
    others: dict[PageKey, list[CandidateRow]] = defaultdict(list)
    for row in large.read(paths.candidates_path(params.compare.n_tiff), CandidateRow):
        # Of a part its best place; the first of all JPEGs is that of the mapping's row.
        if row.rank == len(others.get(row.key, ())) + 2:
            others[row.key].append(row)
    return Desk(
        params=params,
        pairs=queue(rows, params.compare),
        tiffs=large.keyed(large.read(paths.TIFF_HASHES, TiffHash), "path", "page"),
        jpegs=large.keyed(large.read(paths.JPEG_HASHES, JpegHash), "path"),
        others=others,
    )


def sources(params: config.Params) -> list[Path]:
    """The files that `load` reads."""
    n_tiff = params.compare.n_tiff
    compared = [paths.mapping_path(n_tiff), paths.candidates_path(n_tiff)]
    return [paths.rows_path(table) for table in (*compared, paths.TIFF_HASHES, paths.JPEG_HASHES)]


def queue(rows: Sequence[Match], compare: config.Compare) -> list[Pair]:
    """The pairs that people can decide: ambiguous ones first, then the nearest to a limit.

    What could not be read is not among them: a decision is on a file that can be seen.
    """
    found = [
        Pair(identify(row), row, bars.slack(row, compare), bars.shown(row))
        for row in rows
        if row.verdict is not Verdict.UNREADABLE
    ]
    return sorted(found, key=_order)


def identify(row: Match) -> str:
    """A short name of a picture that says nothing of where it lies."""
    text = os.fsencode(row.TIFF_path) + f"\0{row.TIFF_sha256 or ''} {row.page}".encode()
    return hashlib.sha256(text).hexdigest()[:16]


def _order(pair: Pair) -> tuple[bool, float, bytes, int]:
    ambiguous = pair.row.verdict is Verdict.AMBIGUOUS
    nearness = float("inf") if pair.slack is None else abs(pair.slack)
    return (not ambiguous, nearness, os.fsencode(pair.row.TIFF_path), pair.row.page)


def _searched(row: Match) -> str:
    return f"{row.TIFF_path} {row.JPEG_path or ''}".casefold()


def _within(slack: float | None, least: float | None, most: float | None) -> bool:
    if slack is None:
        return False
    return (least is None or slack >= least) and (most is None or slack <= most)
