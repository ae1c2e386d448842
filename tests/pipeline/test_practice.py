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
    verdicts = {row.TIFF_file: row.verdict for row in tables.read(paths.mapping_path(None), Match)}
    # What nobody can settle but a person is not matched, and the rest is.
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.MATCHED} == {
        "lamella.tif",
        "wires.tif",
    }
    assert verdicts["fibres.tif"] is Verdict.AMBIGUOUS
    decide_all()
    practice.run("dvc", "repro")
    rows = tables.read(paths.MANIFEST, Labelled)
    assert {Path(row.TIFF_path).name: row.decided_by for row in rows} == {
        "lamella.tif": "rule",
        "wires.tif": "rule",
        **{name: "person" for name, choice in DECIDED.items() if choice is Choice.ACCEPT},
    }


def decide_all():
    """As the page does it; tests/review drives the page itself."""
    known, book = desk.load(config.load()), Book()
    for pair in known.pairs:
        if pair.row.TIFF_file in DECIDED:
            wish = Wish(DECIDED[pair.row.TIFF_file], why="by eye")
            book.decide([deciding.decision(known, pair, wish, "Ada")], "tab")
