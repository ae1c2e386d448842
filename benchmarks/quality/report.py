"""Decide what `quality.py` scored, by several rules, and print the tables of README.md.

    python benchmarks/quality/report.py scores.csv [scores.csv ...]

Limits are recommended from one half of the families (as folders name instruments and authors) and
tried on the other, both ways round. They are fitted to the changes that copies must survive, and
tried on those and on all. The big table uses the limits that are named on top.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from quality import DEDUP_BITS, Row

from backlabel.calibration.measure import recommend, sweep
from backlabel.calibration.report import seen
from backlabel.calibration.trials import Trial
from backlabel.matching.decide import Decision, Limits, Rule, decide
from backlabel.matching.evidence import Candidate, NearPair, Scores
from backlabel.storage import tables
from backlabel.storage.rows import Verdict

DEFAULTS = Limits(150, 150, 0.70, min_explained=0.40, min_spoke=0.03, min_margin=0.10)
SEED = Limits(150, 120, 0.70, min_explained=0.0, min_spoke=0.0, min_margin=0.0)

BEYOND = {"noisy"}
"""Changes that replace the explained itself; nothing is fitted to them."""
Decide = Callable[[Sequence[Row]], Row | None]


@dataclass
class Count:
    tiffs: int = 0
    right: int = 0
    wrong: int = 0
    wrong_labels: int = 0
    wrong_unpublished: int = 0


def candidate(row: Row) -> Candidate:
    values = {
        field.name: getattr(row, field.name)
        for field in fields(Scores)
        if field.name != "degradation"
    }
    known = Scores(**values) if row.ssim is not None else None
    part = seen(row.JPEG_covered, row.TIFF_covered)
    near = NearPair(row.jpeg, row.hamming, row.hamming_grey, row.variant, part)
    return Candidate(near, known, row.jpeg_label)


def by_rule(rule: Rule, limits: Limits) -> Decide:
    def chosen(rows: Sequence[Row]) -> Row | None:
        decision: Decision = decide(map(candidate, rows), limits, rule)
        found = decision.chosen if decision.verdict is Verdict.MATCHED else None
        return next((row for row in rows if found and row.jpeg == found.row), None)

    return chosen


def by_seed(rows: Sequence[Row]) -> Row | None:
    """The earlier scripts: no variants, the standardised hash only, any SSIM will do."""
    plain = [replace(row, hamming_grey=None) for row in rows if row.variant == "identity"]
    found = by_rule(Rule.SEED, SEED)(plain)
    return next((row for row in rows if found and row.jpeg == found.jpeg), None)


def by_dedup(rows: Sequence[Row]) -> Row | None:
    near = [row for row in rows if row.hamming_64 <= DEDUP_BITS]
    return min(near, key=lambda row: (row.hamming_64, row.jpeg), default=None)


RULES: Mapping[str, Decide] = {
    "combined": by_rule(Rule.COMBINED, DEFAULTS),
    "ssim": by_rule(Rule.SSIM, SEED),
    "seed": by_seed,
    "PHash 64": by_dedup,
}


def tally(rows: Iterable[Row], rule: Decide) -> dict[str, Count]:
    """Per kind; every TIFF is decided with its copy among the JPEGs, and without."""
    cases: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cases.setdefault((row.kind, row.tiff), []).append(row)
    counts: dict[str, Count] = {}
    for (kind, _), case in cases.items():
        count = counts.setdefault(kind, Count())
        count.tiffs += 1
        found = rule(case)
        count.right += found is not None and found.is_copy
        count.wrong += found is not None and not found.is_copy
        count.wrong_labels += found is not None and found.jpeg_label != found.label
        count.wrong_unpublished += rule([row for row in case if not row.is_copy]) is not None
    return counts


def print_kinds(rows: Sequence[Row]) -> None:
    counts = {name: tally(rows, rule) for name, rule in RULES.items()}
    print("| change | TIFFs | " + " | ".join(f"{name}: recall, wrong" for name in RULES) + " |")
    print("|---|---|" + "---|" * len(RULES))
    for kind in dict.fromkeys(row.kind for row in rows):
        cells = [_cell(counts[name][kind]) for name in RULES]
        print(f"| {kind} | {counts['combined'][kind].tiffs} | " + " | ".join(cells) + " |")
    totals = {name: list(kinds.values()) for name, kinds in counts.items()}
    wrong = [sum(one.wrong + one.wrong_unpublished for one in totals[name]) for name in RULES]
    print("| **wrong pairs, all** | | " + " | ".join(f"**{n}**" for n in wrong) + " |")
    labels = [sum(one.wrong_labels for one in totals[name]) for name in RULES]
    print("| wrong labels | | " + " | ".join(map(str, labels)) + " |")


def _cell(count: Count) -> str:
    """Recall; wrong pairs with the copy among the JPEGs + without it."""
    return f"{count.right / count.tiffs:.3f}, {count.wrong}+{count.wrong_unpublished}"


def trial(row: Row) -> Trial:
    return Trial(row.tiff, row.kind, None if row.is_copy else 0.0, candidate(row))


def print_halves(rows: Sequence[Row]) -> None:
    """Limits from one half of the families, tried on the other.

    A pair is one trial: as a part where it was found as one, else as a whole.
    """
    rows = [*{(row.kind, row.tiff, row.jpeg): row for row in rows}.values()]
    families = sorted({row.family for row in rows})

    def total(half: set[str]) -> int:
        return sum(row.family in half for row in rows)

    halves = [set(families[0::2]), set(families[1::2])]
    print("\n| fitted on | least explained share | tried on | precision | recall |")
    print("|---|---|---|---|---|")
    for fit, test in (halves, halves[::-1]):
        fitted = [trial(row) for row in rows if row.family in fit and row.kind not in BEYOND]
        choice = recommend(sweep(fitted, DEFAULTS, "min_explained"), 0.999)
        limit = choice.point.value
        for kinds in (lambda kind: kind not in BEYOND, lambda _: True):
            seen = [trial(row) for row in rows if row.family in test and kinds(row.kind)]
            points = sweep(seen, DEFAULTS, "min_explained")
            tried = next(point for point in points if point.value == limit)
            cells = [
                f"{one.hits} of {one.of}: {one.value:.4f} ({one.low:.4f}-{one.high:.4f})"
                for one in (tried.precision, tried.recall)
            ]
            on = ", ".join(sorted(test)) + (", all changes" if len(seen) == total(test) else "")
            print(f"| {', '.join(sorted(fit))} | {limit} | {on} | {cells[0]} | {cells[1]} |")


def print_look_alikes(rows: Sequence[Row]) -> None:
    pairs = [row for row in rows if row.kind.startswith("hard negative")]
    near = [row for row in pairs if candidate(row).distance < DEFAULTS.hamming_threshold]
    explained = sorted(candidate(row).explained or 0.0 for row in pairs)
    if pairs:
        print(f"\n{len(pairs)} real look-alike pairs; {len(near)} below the Hamming threshold;")
        print(f"most explained {explained[-1]:.2f}.")


def print_gap(rows: Sequence[Row]) -> None:
    """Between what the least copy and the nearest frame share with their TIFFs."""
    scored = [(row, candidate(row).explained) for row in rows if candidate(row).distance < 150]
    wrong = [explained for row, explained in scored if not row.is_copy and explained is not None]
    right = [
        explained
        for row, explained in scored
        if row.is_copy and row.kind not in BEYOND and explained is not None
    ]
    print(
        f"\nExplained share of {len(wrong)} wrong candidates below the Hamming threshold: at most"
    )
    print(
        f"{max(wrong):.2f}; of {len(right)} copies that must be found: at least {min(right):.2f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", nargs="+", type=Path)
    parser.add_argument("--missed", action="store_true", help="list what the combined rule missed")
    args = parser.parse_args()
    rows = [row for path in args.scores for row in tables.read(path, Row)]
    changes = [row for row in rows if not row.kind.startswith("hard negative")]
    print(f"{DEFAULTS}\n")
    print_kinds(changes)
    print_halves(changes)
    print_look_alikes(rows)
    print_gap(changes)
    if args.missed:
        print_missed(changes)


def print_missed(rows: Sequence[Row]) -> None:
    cases: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cases.setdefault((row.kind, row.tiff), []).append(row)
    for (kind, tiff), case in cases.items():
        decision = decide(map(candidate, case), DEFAULTS, Rule.COMBINED)
        own = next(row for row in case if row.is_copy)
        chosen = decision.chosen.row if decision.chosen else None
        if decision.verdict is not Verdict.MATCHED or chosen != own.jpeg:
            print(kind, "|", tiff[-40:], "|", decision.verdict, decision.reason, candidate(own))


if __name__ == "__main__":
    main()
