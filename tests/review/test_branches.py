"""Two people decide on two branches: Git merges line by line."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import workspace
from backlabel import config
from backlabel.labels import reviews
from backlabel.review import deciding, desk
from backlabel.review.book import Book
from backlabel.review.deciding import Wish
from backlabel.storage import paths
from backlabel.storage.rows import Choice


def git(*arguments):
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def decide_on_a_branch(name, file, who):
    git("checkout", "-q", "-b", name, "start")
    known = desk.load(config.load())
    pair = next(one for one in known.pairs if one.row.TIFF_file == file)
    Book().decide([deciding.decision(known, pair, Wish(Choice.REJECT), who)], "tab")
    git("commit", "-q", "--all", "-m", f"{who} decides")


@pytest.fixture
def repository(project):
    shutil.copy(workspace.ROOT / ".gitattributes", project)
    Book().decide([], "tab")  # both files are there
    git("init", "-q", "--initial-branch", "start")
    git("add", ".gitattributes", "reviews")
    git("commit", "-q", "-m", "Nothing is decided")


def test_decisions_on_two_tiffs_are_both_there(repository):
    decide_on_a_branch("ada", "near.tif", "Ada")
    decide_on_a_branch("bob", "twin.tif", "Bob")
    git("merge", "-q", "--no-edit", "ada")
    lines = reviews.read(paths.DECISIONS)
    assert {one.TIFF_path: one.who for one in lines} == {
        "data/tiff/a/near.tif": "Ada",
        "data/tiff/a/twin.tif": "Bob",
    }
    assert [len(Book().shown(one.TIFF_path)) for one in lines] == [1, 1]


def test_two_decisions_on_one_tiff_are_asked_again(repository):
    decide_on_a_branch("ada", "near.tif", "Ada")
    decide_on_a_branch("bob", "near.tif", "Bob")
    git("merge", "-q", "--no-edit", "ada")
    known, book = desk.load(config.load()), Book()
    assert {one.who for one in book.of("data/tiff/a/near.tif")} == {"Ada", "Bob"}
    assert known.state(known.by_tiff["data/tiff/a/near.tif"], book) == "again"
