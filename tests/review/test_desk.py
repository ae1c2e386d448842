"""In what order pairs are looked at, and what is asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backlabel import config
from backlabel.review import deciding, desk
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.review.desk import Wanted
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision, JpegHash, Match, Verdict


@pytest.fixture
def known(project):
    return desk.load(config.load())


def names(chosen):
    return [pair.row.TIFF_file for pair, _ in chosen]


def decide(known, file, choice=Choice.ACCEPT, **wish):
    pair = next(pair for pair in known.pairs if pair.row.TIFF_file == file)
    book = Book()
    book.decide([deciding.decision(known, pair, Wish(choice, **wish), "Ada")], "tab")
    return book


def test_ambiguous_first_then_the_nearest_to_a_limit(known):
    assert names(known.chosen(Wanted(), Book())) == ["twin.tif", "miss.tif", "near.tif", "sure.tif"]


def test_what_cannot_be_read_is_not_asked(known):
    row = Match("x.tif", "x.tif", verdict=Verdict.UNREADABLE)
    assert desk.queue([row], known.params.compare) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(verdict="ambiguous"), ["twin.tif"]),
        (Wanted(verdict="not matched"), ["twin.tif", "miss.tif"]),
        (Wanted(category="Tips"), ["twin.tif", "miss.tif"]),
        (Wanted(folder="data/tiff/b"), ["miss.tif", "sure.tif"]),
        (Wanted(folder="data/tiff/"), []),
        (Wanted(text="SURE"), ["sure.tif"]),
        (Wanted(most=0), ["miss.tif"]),
        (Wanted(least=0, most=0.1), ["near.tif"]),
        (Wanted(state="accept"), []),
    ],
    ids=[
        "verdict",
        "not matched",
        "category",
        "folder",
        "no folder",
        "name",
        "failed",
        "just",
        "state",
    ],
)
def test_filters(known, wanted, expected):
    assert names(known.chosen(wanted, Book())) == expected


def test_a_decision_holds_while_files_and_scores_do(known):
    book = decide(known, "near.tif")
    assert {pair.row.TIFF_file: state for pair, state in known.chosen(Wanted(), book)} == {
        "near.tif": "accept",
        "twin.tif": "open",
        "miss.tif": "open",
        "sure.tif": "open",
    }
    assert known.counts(book) == {"all": 4, "look": 2, "open": 3, "accept": 1}


def changed_mapping(**values):
    path = paths.mapping_path(None)
    rows = tables.read(path, Match)
    first = next(row for row in rows if row.TIFF_file == "near.tif")
    rows = [replace(row, **values) if row is first else row for row in rows]
    tables.write(path, Match, rows)


def changed_jpeg(**values):
    rows = tables.read(paths.JPEG_HASHES, JpegHash)
    tables.write(paths.JPEG_HASHES, JpegHash, [replace(rows[0], **values), *rows[1:]])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: changed_mapping(TIFF_sha256="0" * 64), "The TIFF has changed"),
        (lambda: changed_jpeg(sha256="0" * 64), "The JPEG has changed"),
        (lambda: changed_jpeg(path="data/jpeg/Fibres/L1_9.jpg"), "is not there any more"),
        (lambda: changed_mapping(explained=0.6), "The scores were others"),
        (lambda: changed_mapping(verdict=Verdict.AMBIGUOUS), "The scores were others"),
    ],
    ids=["TIFF", "JPEG", "JPEG gone", "score", "verdict"],
)
def test_asked_again(known, change, why):
    book = decide(known, "near.tif")
    change()
    now = desk.load(config.load())
    pair, state = now.chosen(Wanted(state="open"), book)[0]
    assert (pair.row.TIFF_file, state) == ("near.tif", "again")
    assert why in now.why_again(pair, book, book.of(pair.row.TIFF_path))


def test_two_people_who_disagree_are_asked_again(known):
    book = decide(known, "near.tif")
    (made,) = book.of("data/tiff/a/near.tif")
    other = replace(made, decision=Choice.REJECT, who="Bob", label=None)
    tables.write(paths.DECISIONS, Decision, [made, other])  # as a merge of branches leaves them
    book.refresh()
    pair, state = known.chosen(Wanted(), book)[0]
    assert (pair.row.TIFF_file, state) == ("near.tif", "again")
    book = decide(known, "near.tif", Choice.REJECT)
    assert [one.decision for one in book.of("data/tiff/a/near.tif")] == [Choice.REJECT]


def test_a_row_is_named_by_its_file_alone(known):
    row = known.pairs[0].row
    assert desk.identify(row) == desk.identify(replace(row, explained=0.0))
    assert desk.identify(row) != desk.identify(replace(row, TIFF_sha256="0" * 64))
