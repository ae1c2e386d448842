"""From the sample's pairs that only a person can settle to a labelled set that has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from backlabel import config
from backlabel.review import deciding, desk
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Labelled, Match, TruePair, Verdict

pytestmark = pytest.mark.pipeline

ASKED = {
    "TEST.TIF": Verdict.AMBIGUOUS,  # published under two categories
    "raw__image.tif": Verdict.AMBIGUOUS,  # published twice under one
    "1-as-cast_18_Sch_10k_BSD-Compo.tif": Verdict.TOO_DIFFERENT,
    "C2-1_m09.tif": Verdict.TOO_DIFFERENT,
    "6410_NMonSi_MOVPE_w1_15.tif": Verdict.NOT_VERIFIED,
    # The next frame of a field, twice, and the same field by another detector.
    "old__baseline_eb.tif": Verdict.TOO_DIFFERENT,
    "SS_316_P&C_#1_002.tif": Verdict.TOO_DIFFERENT,
    "1-as-cast_17_Sch_10k_SESI.tif": Verdict.TOO_DIFFERENT,
    "openfibsem__baseline_eb.tif": Verdict.NO_CANDIDATE,
    "SESI_keyframe_00001_slice_00006_z=1.6659um.tif": Verdict.NO_CANDIDATE,
}


def test_ten_decisions_by_a_person_complete_the_set(reproduced, tmp_path, monkeypatch):
    clone = reproduced.copy(tmp_path / "clone")
    monkeypatch.chdir(clone.path)
    rows = {row.TIFF_file: row for row in tables.read(paths.mapping_path(None), Match)}
    assert {name: rows[name].verdict for name in ASKED} == ASKED
    truth = {pair.TIFF_path: pair for pair in tables.read(Path("data/truth.csv"), TruePair)}
    missed = {path for path in truth if rows[Path(path).name].verdict is not Verdict.MATCHED}
    assert {Path(path).name for path in missed} <= ASKED.keys()
    decide(set(truth))
    clone.run("dvc", "repro", "label")
    labelled = tables.read(paths.MANIFEST, Labelled)
    assert {(row.TIFF_path, row.category) for row in labelled} == {
        (pair.TIFF_path, pair.category) for pair in truth.values()
    }
    by = Counter(row.decided_by for row in labelled)
    assert by == {"rule": len(truth) - len(missed), "person": len(missed)}


def decide(true):
    """As the page does it; tests/review drives the page itself."""
    known, book = desk.load(config.load()), Book()
    for pair in known.pairs:
        if pair.row.TIFF_file in ASKED:
            choice = Choice.ACCEPT if pair.row.TIFF_path in true else Choice.REJECT
            book.decide([deciding.decision(known, pair, Wish(choice, why="by eye"), "Ada")], "tab")
