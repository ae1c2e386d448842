"""What a file holds, and when it may be known again without reading it."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing import identity as identities
from backlabel.hashing.identity import Content, content_of, identity
from backlabel.images import source as sources

SIZES = [1, 1000, 70_000, 3_000_000]


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


def found(path: Path) -> Content:
    with images.opened(path, max_bytes=1 << 30) as source:
        return content_of(source)


def expected(path: Path) -> Content:
    return Content(hashlib.sha256(path.read_bytes()).hexdigest(), identity(path.stat()))


def test_digest_and_identity(files, settled):
    assert [found(path) for path in files] == [expected(path) for path in files]


def test_a_file_too_large_to_hold_is_read_in_pieces(files, settled, monkeypatch):
    monkeypatch.setattr(sources, "_HELD_BYTES", 10_000)
    assert [found(path) for path in files] == [expected(path) for path in files]


def test_a_file_that_just_changed_has_no_identity(files):
    assert [found(path).identity for path in files] == [b""] * len(files)


def test_what_changes_a_file_changes_its_identity(files, settled):
    before = found(files[1])
    time.sleep(0.02)  # more than a tick of the kernel's clock
    files[1].write_bytes(b"y" * SIZES[1])
    assert found(files[1]).identity != before.identity


def test_a_file_that_changes_while_it_is_read_is_an_error(files, settled):
    with (
        pytest.raises(UnreadableImageError, match="changed"),
        images.opened(files[1], max_bytes=1 << 30) as source,
    ):
        content_of(source)
        files[1].write_bytes(b"other")


def test_bytes_digest_and_picture_are_of_one_read(files, monkeypatch):
    with images.opened(files[2], max_bytes=1 << 30) as source:
        digest = source.sha256()
        monkeypatch.setattr(sources.os, "pread", lambda *_: pytest.fail("read again"))
        monkeypatch.setattr(sources.os, "preadv", lambda *_: pytest.fail("read again"))
        held = source.read(0, source.size)
        assert source.read(5, 3) == b"xxx"
        with source.file() as file:
            assert file.read() == held
    assert digest == hashlib.sha256(held).hexdigest()


def test_a_link_that_dvc_makes_changes_nothing_and_any_other_change_does(files, tmp_path, settled):
    """DVC protects what it links; a further link to an ordinary file makes it unknown."""
    cached, ordinary = files[0], files[1]
    cached.chmod(0o444)
    (tmp_path / "link").hardlink_to(cached)
    before, other = found(cached), found(ordinary)
    time.sleep(0.02)  # more than a tick of the kernel's clock
    (tmp_path / "another checkout").hardlink_to(cached)
    (tmp_path / "copy").hardlink_to(ordinary)
    assert found(cached) == before == found(tmp_path / "another checkout")
    assert found(ordinary).identity != other.identity
    cached.chmod(0o644)
    assert found(cached).identity != before.identity
