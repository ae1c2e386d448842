"""Whether a calibration holds on instruments that were not in it.

    backlabel calibrate FOLDER --out calibration
    python benchmarks/quality/across_instruments.py calibration/trials.csv FOLDER

Each folder directly below FOLDER is a source. Limits are recommended on all sources but one, with
their intervals, and tried on the one that was left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path, PurePath

from backlabel.calibration.measure import Share, accepted, calibrate, share
from backlabel.calibration.report import TrialRow, seen
from backlabel.calibration.run import OPEN
from backlabel.calibration.trials import Trial
from backlabel.matching.decide import Limits, Rule
from backlabel.matching.evidence import Candidate, NearPair, Scores
from backlabel.storage import tables


def trial(row: TrialRow) -> Trial:
    """The trial that a row of trials.csv tells of."""
    bits = row.hamming_standardised, row.hamming_grey
    near = NearPair(0, *bits, row.variant, seen(row.JPEG_covered, row.TIFF_covered))
    known = Scores(row.ssim_value, row.explained, row.spoke, row.degradation)
    return Trial(row.TIFF_path, row.kind, row.drift, Candidate(near, known, ""), row.noise)


def counts(trials: Sequence[Trial], limits: Limits) -> tuple[Share, Share]:
    """Precision and recall, both with their intervals."""
    taken = [one for one in trials if accepted(one, limits, Rule.COMBINED)]
    right = sum(one.is_copy for one in taken)
    return share(right, len(taken)), share(right, sum(one.is_copy for one in trials))


def shown(one: Share) -> str:
    return f"{one.hits}/{one.of} ({one.low:.4f}-{one.high:.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trials", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--precision", type=float, default=0.999)
    args = parser.parse_args()
    by_source: dict[str, list[Trial]] = {}
    for row in tables.read(args.trials, TrialRow):
        source = PurePath(row.TIFF_path).relative_to(args.folder).parts[0]
        by_source.setdefault(source, []).append(trial(row))
    print("| left out | min_explained | precision of the others | precision there | recall there |")
    print("|---|---|---|---|---|")
    held, missed = [0, 0], [0, 0]
    for source, own in sorted(by_source.items()):
        others = [one for name, all_ in by_source.items() if name != source for one in all_]
        limits, _, _ = calibrate(others, OPEN, args.precision)
        fitted, _ = counts(others, limits)
        precision, recall = counts(own, limits)
        held = [held[0] + precision.hits, held[1] + precision.of]
        missed = [missed[0] + recall.hits, missed[1] + recall.of]
        cells = (source, limits.min_explained, shown(fitted), shown(precision), shown(recall))
        print("| " + " | ".join(map(str, cells)) + " |")
    print(f"| all | | | {shown(share(*held))} | {shown(share(*missed))} |")


if __name__ == "__main__":
    main()
