"""`backlabel report`: reads what the stages wrote, and writes one HTML file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from backlabel import __version__, config, git
from backlabel.limits import read_limits
from backlabel.report import charts, samples, vega
from backlabel.report.samples import Bounds, Group
from backlabel.review import bars, desk, told
from backlabel.review.desk import Desk, Pair
from backlabel.storage import large, names, paths, tables
from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Labelled, Match, Passed, SweepPoint, Verdict
from backlabel.workers import pool

_MOST_LINES = 500  # of a table of files; the CSV has them all
_WHY = {
    Verdict.MATCHED: "a JPEG passed every limit, and no other was near it",
    Verdict.AMBIGUOUS: "several JPEGs would pass: a person decides",
    Verdict.TOO_DIFFERENT: "the best JPEG failed a limit",
    Verdict.NOT_VERIFIED: "too little of the picture says anything, or it has no score",
    Verdict.NO_CANDIDATE: "no JPEG is near enough",
    Verdict.UNREADABLE: "the file could not be read",
}


@dataclass(frozen=True)
class Shown:
    """One pair as the report shows it; `pictures` are addresses, or `missing` says why none."""

    tiff: str
    jpeg: str
    scores: str
    reason: str
    pictures: Sequence[str]
    missing: str


def write(params: config.Params, out: Path) -> None:
    """Write the report of the last run to `out`. Raises TableError where there was none."""
    known = desk.load(params)
    mapping = paths.mapping_path(params.compare.n_tiff)
    rows = large.read(mapping, Match)
    unreadable = tables.read(paths.UNREADABLE, Passed)
    labelled = tables.read(paths.MANIFEST, Labelled) if paths.MANIFEST.exists() else []
    sweep = tables.read(paths.SWEEP, SweepPoint) if paths.SWEEP.exists() else []
    published = Counter(row.category for row in known.jpegs.values())
    by_category = Counter(row.category for row in labelled)
    drawn = charts.all_charts(rows, sweep, published, by_category, params.compare)
    html = (
        _environment()
        .get_template("report.html")
        .render(
            title="backlabel report",
            made=datetime.now(UTC).isoformat(timespec="minutes"),
            version=__version__,
            commit=git.commit(),
            settings=config.settled(params),
            digest=config.digest(params),
            mapping=paths.rows_path(mapping),
            tiffs=len(known.tiffs),
            jpegs=len(known.jpegs),
            unreadable=[_line(one) for one in unreadable[:_MOST_LINES]],
            unreadable_total=len(unreadable),
            unreadable_path=paths.UNREADABLE,
            verdicts=_verdicts(rows),
            rows=len(rows),
            labelled=len(labelled),
            by_people=sum(row.decided_by == "person" for row in labelled),
            categories=[
                (name, published[name], by_category[name])
                for name in sorted({*published, *by_category})
            ],
            metrics=_metrics(),
            charts=drawn,
            specs=_inline_json({one.id: one.spec for one in drawn}),
            groups=_groups(known),
            scripts=[Markup(text) for text in vega.scripts()],  # noqa: S704 - our own files
        )
    )
    with atomic_write(out) as file:
        file.write(html)


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("backlabel.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["cell"] = names.to_cell
    return found


def _verdicts(rows: Sequence[Match]) -> list[tuple[str, int, str]]:
    counts = Counter(row.verdict for row in rows)
    return [(one.value, counts[one], _WHY[one]) for one in Verdict if counts[one]]


def _line(one: Passed) -> tuple[str, str, str]:
    return names.to_cell(one.path), one.reason, one.detail


def _metrics() -> dict[str, Any]:
    """Of known pairs, where the data have a list of them."""
    path = paths.METRICS / "compare.json"
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")).get("truth", {})
    return found


def _groups(known: Desk) -> list[tuple[Group, list[Shown]]]:
    """Each group with its pairs; all pictures are made in one go."""
    read = known.params.read
    bounds = Bounds(
        limits=read_limits(read),
        max_seconds=read.max_seconds,
        max_memory_mib=read.max_memory_mib,
        workers=known.params.hash.workers or pool.cores(),
    )
    found = samples.groups(known.pairs)
    pairs = [pair for group in found for pair in group.pairs]
    subjects = [told.subject(known, pair) for pair in pairs]
    made = iter(samples.drawn(subjects, bounds))
    return [(group, [_shown(pair, next(made)) for pair in group.pairs]) for group in found]


def _shown(pair: Pair, made: Sequence[str] | str) -> Shown:
    row = pair.row
    return Shown(
        tiff=names.to_cell(row.TIFF_path),
        jpeg=names.to_cell(row.JPEG_path or ""),
        scores=bars.shown(row),
        reason=row.reason,
        pictures=[] if isinstance(made, str) else made,
        missing=made if isinstance(made, str) else "",
    )


def _inline_json(value: object) -> Markup:
    """JSON inside a script element, which it cannot end."""
    return Markup(json.dumps(value, allow_nan=False).replace("<", "\\u003c"))  # noqa: S704
