"""What the page says that the label stage would change is what the stage then changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backlabel import config
from backlabel.errors import DataError
from backlabel.review import deciding, desk, outstanding
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.stages import label
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision, Labelled


@pytest.fixture
def known(project):
    return desk.load(config.load())


def decide(known, file, choice, **wish):
    pair = next(pair for pair in known.pairs if pair.row.TIFF_file == file)
    Book().decide([deciding.decision(known, pair, Wish(choice, **wish), "Ada")], "tab")


def told(known):
    """What is said of each file."""
    return {one.path.rpartition("/")[2]: one.what for one in outstanding.steps(known, Book())}


def labelled():
    """What the label stage makes of each file."""
    label.main(config.load())
    return {
        row.TIFF_path.rpartition("/")[2]: (row.label, row.decided_by)
        for row in tables.read(paths.MANIFEST, Labelled)
    }


RULE = {"near.tif": ("L1", "rule"), "sure.tif": ("L1", "rule")}


def test_before_anything_is_labelled(known):
    decide(known, "twin.tif", Choice.ACCEPT)
    decide(known, "near.tif", Choice.REJECT)
    assert told(known) == {"twin.tif": "is added to Tips (L9)"}
    assert labelled() == {"twin.tif": ("L9", "person"), "sure.tif": ("L1", "rule")}
    assert told(known) == {}


def test_decisions_and_taking_them_back(known):
    assert labelled() == RULE
    decide(known, "twin.tif", Choice.ACCEPT)
    decide(known, "miss.tif", Choice.REJECT)
    decide(known, "near.tif", Choice.REJECT)
    decide(known, "sure.tif", Choice.RELABEL, label="L2", why="a film")
    assert told(known) == {
        "twin.tif": "is added to Tips (L9)",
        "near.tif": "leaves Fibres (L1)",
        "sure.tif": f"moves from Fibres (L1) to {known.categories['L2']} (L2)",
    }
    assert labelled() == {"twin.tif": ("L9", "person"), "sure.tif": ("L2", "person")}
    assert told(known) == {}
    tables.write(paths.DECISIONS, Decision, [])
    assert told(known) == {
        "twin.tif": "is decided by the rule again",
        "near.tif": "is labelled by the rule again",
        "sure.tif": "is decided by the rule again",
    }
    assert labelled() == RULE
    assert told(known) == {}


def test_what_the_rule_had_done_is_confirmed(known):
    assert labelled() == RULE
    decide(known, "sure.tif", Choice.ACCEPT)
    assert told(known) == {"sure.tif": "stays in Fibres (L1), decided by Ada"}
    assert labelled() == {**RULE, "sure.tif": ("L1", "person")}
    assert told(known) == {}


def test_two_decisions_on_one_tiff_stop_the_stage(known):
    decide(known, "near.tif", Choice.ACCEPT)
    (made,) = Book().of("data/tiff/a/near.tif")
    tables.write(paths.DECISIONS, Decision, [made, replace(made, who="Bob")])
    assert told(known) == {"near.tif": "stops the stage: it is decided more than once"}
    with pytest.raises(DataError, match="is decided twice"):
        labelled()
