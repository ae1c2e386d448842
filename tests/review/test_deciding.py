"""What the page writes, the label stage takes."""

from __future__ import annotations

import pytest

import workspace
from backlabel import config
from backlabel.errors import DataError
from backlabel.labels import decisions, reviews
from backlabel.labels.decisions import Known
from backlabel.review import deciding, desk
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Match


@pytest.fixture
def known(project):
    return desk.load(config.load())


def pair(known, file):
    return next(pair for pair in known.pairs if pair.row.TIFF_file == file)


def decide(known, file, choice, **wish):
    Book().decide([deciding.decision(known, pair(known, file), Wish(choice, **wish), "Ada")], "")


def labelled(known):
    """Label by file name, as the label stage understands the file of decisions."""
    made = reviews.read(paths.DECISIONS)
    rows = tables.read(paths.mapping_path(None), Match)
    chosen, _ = decisions.apply(made, rows, Known(known.tiffs, known.jpegs, known.categories))
    return {one.match.TIFF_file: one.match.label for one in chosen}


FIBRES = workspace.jpeg_path("L1", 1)
RULE = {"near.tif": "L1", "sure.tif": "L1"}


@pytest.mark.parametrize(
    ("file", "choice", "wish", "expected"),
    [
        ("twin.tif", Choice.ACCEPT, {}, {**RULE, "twin.tif": "L9"}),
        ("twin.tif", Choice.ACCEPT, {"jpeg": FIBRES}, {**RULE, "twin.tif": "L1"}),
        ("twin.tif", Choice.REJECT, {"jpeg": FIBRES}, RULE),
        ("near.tif", Choice.REJECT, {}, {"sure.tif": "L1"}),
        ("miss.tif", Choice.RELABEL, {"label": "L2", "why": "film"}, {**RULE, "miss.tif": "L2"}),
        ("miss.tif", Choice.RELABEL, {"label": "L9"}, {**RULE, "miss.tif": "L9"}),
    ],
    ids=["accept", "runner-up", "reject unmatched", "reject", "relabel", "relabel as it is"],
)
def test_the_label_stage_takes_it(known, file, choice, wish, expected):
    decide(known, file, choice, **wish)
    assert labelled(known) == expected


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"label": "L2"}, "Say in the reason"),
        ({"label": "L77", "why": "x"}, "Pick a label"),
        ({"why": "x"}, "Pick a label"),
        ({"label": "L2", "why": "x", "jpeg": FIBRES}, "other JPEGs for this TIFF"),
    ],
    ids=["no reason", "unknown label", "no label", "another TIFF's JPEG"],
)
def test_what_the_label_stage_would_refuse_is_refused_at_once(known, wish, told):
    with pytest.raises(DataError, match=told):
        deciding.decision(known, pair(known, "miss.tif"), Wish(Choice.RELABEL, **wish), "Ada")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        (" two\nlines\t ", "two lines"),
        ("=1+1", "'=1+1"),
        ("a\x00\u2028b", "a b"),
        ("\ud800", "?"),
        ("x" * 3000, "x" * deciding.MAX_WHY),
    ],
    ids=["lines", "formula", "controls", "lone surrogate", "long"],
)
def test_a_reason_stays_on_one_line(text, cell):
    assert deciding.clean(text) == cell
