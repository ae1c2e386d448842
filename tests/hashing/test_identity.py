"""What files hold, told one by one or several at once."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from backlabel.hashing import digests
from backlabel.hashing import identity as identities
from backlabel.hashing.identity import Content, content_of, contents_of, identity

SIZES = [1, 1000, 70_000, 300_000]


@pytest.fixture
def settled(monkeypatch):
    """The clock stands where no file has changed for a while."""
    later = time.time() + 60
    monkeypatch.setattr(identities.time, "time", lambda: later)


@pytest.fixture
def files(tmp_path):
    made = [tmp_path / f"{size}.tif" for size in SIZES]
    for path, size in zip(made, SIZES, strict=True):
        path.write_bytes(b"x" * size)
    return made


def expected(path):
    return Content(hashlib.sha256(path.read_bytes()).hexdigest(), identity(path, path.stat()))


@pytest.fixture(autouse=True)
def quicker(monkeypatch):
    monkeypatch.setattr(digests, "QUICKER", True)  # on every processor


def test_each_file_as_by_itself(files, settled):
    assert contents_of(files) == [expected(path) for path in files]
    assert [content_of(path) for path in files] == [expected(path) for path in files]


def test_nothing_is_told_of_what_another_way_must_look_at(files, settled, tmp_path, monkeypatch):
    fifo, link, empty = (tmp_path / name for name in ("fifo.tif", "link.tif", "empty.tif"))
    os.mkfifo(fifo)
    link.symlink_to(files[0])
    empty.touch()
    monkeypatch.setattr(identities, "_AT_ONCE_BYTES", 100_000)
    found = contents_of([fifo, link, empty, tmp_path / "none.tif", *files])
    assert found == [None] * 4 + [expected(path) for path in files[:3]] + [None]


def test_nothing_is_told_of_files_that_just_changed(files):
    assert contents_of(files) == [None] * len(files)
    assert [one.identity for one in map(content_of, files)] == [b""] * len(files)


def test_nothing_is_told_where_it_is_not_quicker(files, settled, monkeypatch):
    monkeypatch.setattr(digests, "QUICKER", False)
    assert contents_of(files) == [None] * len(files)


def test_a_file_that_changes_while_it_is_read(files, settled, monkeypatch):
    sha256 = identities.files.sha256

    def disturbed(path):
        digest = sha256(path)
        path.write_bytes(b"other")
        return digest

    monkeypatch.setattr(identities.files, "sha256", disturbed)
    assert content_of(files[0]).identity == b""
