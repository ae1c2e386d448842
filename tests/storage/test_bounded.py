"""A folder that does not outgrow its limit."""

from __future__ import annotations

import os

import pytest

from backlabel.storage.bounded import BoundedFolder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


def put(kept, folder, *names, at):
    """Files of ten bytes, as if they were last asked for at second `at`."""
    for name in names:
        kept.put(name, b"x" * 10)
        os.utime(folder / name, (at, at))


def test_what_was_put_is_there_again_also_for_another(folder):
    BoundedFolder(folder, 100).put("a", b"some")
    kept = BoundedFolder(folder, 100)
    assert (kept.get("a"), kept.get("b")) == (b"some", None)


def test_those_not_asked_for_longest_go(folder):
    kept = BoundedFolder(folder, 50)
    put(kept, folder, "a", at=1)
    put(kept, folder, "b", at=2)
    put(kept, folder, "c", "d", "e", at=3)
    assert kept.get("a") is not None  # and so it is the newest
    kept.put("f", b"x" * 10)
    assert {path.name for path in folder.iterdir()} == {"a", "d", "e", "f"}


def test_what_lay_there_before_counts(folder):
    put(BoundedFolder(folder, 1000), folder, *"abcd", at=1)
    BoundedFolder(folder, 30).put("e", b"x" * 10)
    assert len(list(folder.iterdir())) == 2
    assert BoundedFolder(folder, 30).get("e") is not None
