"""The file of decisions, written by several at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backlabel.errors import TableError
from backlabel.labels import reviews
from backlabel.review.book import Book
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision, Shown


def line(path, choice=Choice.REJECT, why=""):
    made = Decision(path, "0" * 64, choice, None, None, None, "Ada", why)
    return made, Shown(path, "Ada", "2026-01-01T00:00:00+00:00", None, "ambiguous")


def on_page(page, why=""):
    decision, shown = line("a.tif", why=why)
    return replace(decision, page=page), replace(shown, page=page)


def test_a_decision_replaces_what_was_decided_on_its_page(project):
    book = Book()
    book.decide([line("a.tif", why="whole")], "tab")
    book.decide([on_page(1, "first"), on_page(2, "second")], "tab")
    book.decide([on_page(2, "anew")], "tab")
    assert [(one.page, one.why) for one in book.of("a.tif")] == [(1, "first"), (2, "anew")]
    assert [one.why for one in book.of("a.tif", 2)] == ["anew"]
    assert book.undo("tab") == ["a.tif"]
    assert book.undo("tab") == ["a.tif"]
    assert [(one.page, one.why) for one in reviews.read(paths.DECISIONS)] == [(None, "whole")]


def paths_in_file():
    return [one.TIFF_path for one in reviews.read(paths.DECISIONS)]


def test_each_decision_is_a_line_in_the_order_of_the_paths(project):
    book = Book()
    for path in ("c.tif", "a.tif", "b.tif"):
        book.decide([line(path)], "tab")
    assert paths_in_file() == ["a.tif", "b.tif", "c.tif"]


def test_somebodys_own_order_stays(project):
    tables.write(paths.DECISIONS, Decision, [line("z.tif")[0], line("b.tif")[0]])
    Book().decide([line("c.tif")], "tab")
    assert paths_in_file() == ["z.tif", "b.tif", "c.tif"]


def test_undo_gives_the_file_of_before(project):
    book = Book()
    book.decide([line("a.tif", why="first")], "tab")
    before = paths.DECISIONS.read_bytes(), paths.SHOWN.read_bytes()
    book.decide([line("a.tif", why="second"), line("b.tif")], "tab")
    assert sorted(book.undo("tab")) == ["a.tif", "b.tif"]
    assert (paths.DECISIONS.read_bytes(), paths.SHOWN.read_bytes()) == before


def test_undo_takes_back_what_the_tab_did(project):
    book = Book()
    book.decide([line("a.tif")], "one")
    book.decide([line("b.tif")], "other")
    assert book.undo("one") == ["a.tif"]
    assert book.undo("one") == []
    assert paths_in_file() == ["b.tif"]


def test_undo_leaves_what_was_decided_anew_elsewhere(project):
    book = Book()
    book.decide([line("a.tif", why="mine"), line("b.tif")], "one")
    book.decide([line("a.tif", why="theirs")], "other")
    assert book.undo("one") == ["b.tif"]
    assert [one.why for one in reviews.read(paths.DECISIONS)] == ["theirs"]


def test_two_servers_lose_nothing(project):
    ours, theirs = Book(), Book()
    ours.decide([line("a.tif")], "tab")
    theirs.decide([line("b.tif")], "tab")
    ours.decide([line("c.tif")], "tab")
    assert paths_in_file() == ["a.tif", "b.tif", "c.tif"]


def test_what_somebody_wrote_meanwhile_is_seen(project):
    book = Book()
    before = book.version
    tables.write(paths.DECISIONS, Decision, [line("a.tif")[0]])
    book.refresh()
    assert book.changed_since(before) == ["a.tif"]


def test_a_file_that_is_wrong_is_not_overwritten(project):
    book = Book()
    paths.DECISIONS.write_text("not a table\n")
    with pytest.raises(TableError, match="line 1"):
        book.decide([line("a.tif")], "tab")
    assert paths.DECISIONS.read_text() == "not a table\n"


def test_reasons_are_remembered_the_most_frequent_first(project):
    book = Book()
    made = [line("a.tif", why="rare"), line("b.tif", why="often"), line("c.tif", why="often")]
    book.decide([*made, line("d.tif")], "tab")
    assert Book().reasons() == ["often", "rare"]
