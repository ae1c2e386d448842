"""From the practice project to decisions that the manifest shows, by the commands of README."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backlabel import config
from backlabel.review import deciding, desk
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Labelled, Match, Verdict
from clones import Clone

pytestmark = pytest.mark.pipeline

SURE = ("lamella.tif", "wires.tif")
DECIDED = {
    "fibres.tif": Choice.ACCEPT,
    "cut.tif": Choice.ACCEPT,
    "print.tif": Choice.ACCEPT,
    "figure.tif": Choice.ACCEPT,
    "again.tif": Choice.REJECT,
    "detector.tif": Choice.REJECT,
}


def test_ten_minutes_of_a_new_user(pulled, tmp_path, monkeypatch):
    folder = tmp_path / "practice"
    script = pulled.path / "scripts/practice.py"
    pulled.run(sys.executable, str(script), str(folder))
    practice = Clone(folder)
    practice.environment["PYTHONPATH"] = str(pulled.path / "src")
    practice.run("dvc", "repro")
    monkeypatch.chdir(folder)
    rows = tables.read(paths.mapping_path(None), Match)
    verdicts = {row.TIFF_file: row.verdict for row in rows}
    assert {verdicts[name] for name in SURE} == {Verdict.MATCHED}
    assert {verdicts[name] for name in ("fibres.tif", "cut.tif")} == {Verdict.AMBIGUOUS}
    open_ones = {name for name in DECIDED if verdicts[name] is not Verdict.MATCHED}
    # A wrong frame is left to a person, or refused.
    assert open_ones >= {"fibres.tif", "cut.tif", "again.tif", "detector.tif"}
    decide(open_ones)
    practice.run("dvc", "repro")
    found = {
        Path(row.TIFF_path).name: row.decided_by for row in tables.read(paths.MANIFEST, Labelled)
    }
    accepted = {name for name, choice in DECIDED.items() if choice is Choice.ACCEPT}
    assert found == {name: "person" if name in open_ones else "rule" for name in {*SURE, *accepted}}


def decide(names):
    """As the page does it; tests/review drives the page itself."""
    known, book = desk.load(config.load()), Book()
    for pair in known.pairs:
        if pair.row.TIFF_file in names:
            wish = Wish(DECIDED[pair.row.TIFF_file], why="by eye")
            book.decide([deciding.decision(known, pair, wish, "Ada")], "tab")
