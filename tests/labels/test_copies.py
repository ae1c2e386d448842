"""Copies that lose nothing, and folders that are replaced whole."""

from __future__ import annotations

import hashlib
import os

import pytest

from backlabel.errors import OutputError, UnreadableImageError
from backlabel.labels import copies, manifest
from backlabel.labels.copies import Link

BYTES = b"II*\0" + bytes(range(256)) * 9000
DIGEST = hashlib.sha256(BYTES).hexdigest()


def make(source, target, link=Link.AUTO):
    return copies.make(source, target, link=link, max_bytes=1 << 30)


def put(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def digests(**files):
    return {
        name.replace("_", "."): hashlib.sha256(text.encode()).hexdigest()
        for name, text in files.items()
    }


@pytest.mark.parametrize("link", list(Link))
def test_every_way_gives_the_same_bytes(tmp_path, link):
    source, target = tmp_path / "a.tif", tmp_path / "new" / "b.tif"
    source.write_bytes(BYTES)
    before = source.stat()
    assert make(source, target, link) == DIGEST
    assert target.read_bytes() == BYTES
    assert (source.stat().st_mtime_ns, source.stat().st_mode) == (
        before.st_mtime_ns,
        before.st_mode,
    )


def test_hardlink_shares_the_file_and_nothing_else_does(tmp_path):
    source = tmp_path / "a.tif"
    source.write_bytes(BYTES)
    same = {}
    for link in Link:
        make(source, tmp_path / link.value, link)
        same[link] = source.samefile(tmp_path / link.value)
    assert same == {Link.AUTO: False, Link.COPY: False, Link.HARDLINK: True}


def test_hardlink_is_a_copy_on_another_file_system(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a.tif").write_bytes(BYTES)
    make(tmp_path / "a.tif", tmp_path / "b.tif", Link.HARDLINK)
    assert (tmp_path / "b.tif").read_bytes() == BYTES
    assert not (tmp_path / "a.tif").samefile(tmp_path / "b.tif")


@pytest.mark.parametrize("link", list(Link))
def test_nothing_is_overwritten(tmp_path, link):
    put(tmp_path, a_tif="new", b_tif="old")
    with pytest.raises(OutputError, match=r"b\.tif"):
        make(tmp_path / "a.tif", tmp_path / "b.tif", link)
    assert (tmp_path / "b.tif").read_text() == "old"


@pytest.mark.parametrize("link", list(Link))
def test_what_a_killed_worker_made_is_made_once_more(tmp_path, link):
    source, target = tmp_path / "a.tif", tmp_path / "new" / "b.tif"
    source.write_bytes(BYTES)
    assert make(source, target, link) == make(source, target, link) == DIGEST
    assert target.read_bytes() == BYTES


def test_what_a_worker_was_killed_over_is_no_part_of_the_set(tmp_path):
    put(tmp_path, **{"a__.partial-0": "", "a__own_tif": "own"})
    manifest.seal(tmp_path, [])
    assert manifest.read_sums(tmp_path) == digests(**{"a/own_tif": "own"})
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["own.tif"]


def test_what_stays_stays_when_a_worker_was_killed_over_it(tmp_path):
    put(tmp_path, a_tif="own", old__b_tif="own")
    for _ in range(2):
        paths = tmp_path / "old/b.tif", tmp_path / "a.tif", tmp_path / "new/b.tif"
        assert copies.stays(*paths, link=Link.COPY)
        assert paths[0].samefile(paths[2])


def test_vanished_source_is_named(tmp_path):
    with pytest.raises(UnreadableImageError, match="vanished") as raised:
        make(tmp_path / "gone.tif", tmp_path / "b.tif")
    assert raised.value.path == str(tmp_path / "gone.tif")


def test_source_that_became_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(UnreadableImageError, match="not a file"):
        make(tmp_path / "a.tif", tmp_path / "b.tif")


def test_foreign_file_is_not_removed(tmp_path):
    put(tmp_path, old__own_tif="own", old__foreign_txt="foreign", new__own_tif="own")
    with pytest.raises(OutputError, match=r"foreign\.txt: was not written"):
        copies.replace_folder(tmp_path / "new", tmp_path / "old", digests(own_tif="own"))
    assert (tmp_path / "old/foreign.txt").read_text() == "foreign"
    assert (tmp_path / "old/own.tif").read_text() == "own"


def test_file_that_others_changed_is_not_removed(tmp_path):
    put(tmp_path, old__own_tif="edited")
    with pytest.raises(OutputError, match=r"own\.tif: was changed by others"):
        copies.refuse_foreign(tmp_path / "old", digests(own_tif="own"))


def test_link_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "old").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="old: is no folder"):
        copies.refuse_foreign(tmp_path / "old", {})


def test_own_folder_is_replaced(tmp_path):
    put(tmp_path, old__own_tif="old", new__own_tif="new")
    copies.replace_folder(tmp_path / "new", tmp_path / "old", digests(own_tif="old"))
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old/own.tif").read_text() == "new"


def test_folder_set_aside_by_a_killed_run_comes_back(tmp_path):
    # As a kill between the two renames of replace_folder leaves them.
    put(tmp_path, **{"new-old__own_tif": "old", "new__own_tif": "new"})
    copies.recover(tmp_path / "new", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target/own.tif").read_text() == "old"


def test_what_a_killed_run_left_is_cleared(tmp_path):
    put(
        tmp_path,
        **{"new-old__own_tif": "older", "new__half_tif": "", "target__own_tif": "whole"},
    )
    copies.recover(tmp_path / "new", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target/own.tif").read_text() == "whole"
