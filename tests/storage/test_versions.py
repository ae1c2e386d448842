"""The version of what computes a value that is kept."""

from __future__ import annotations

import pytest

from backlabel.storage import versions


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "_PACKAGE", tmp_path)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("a = 1")
    return tmp_path


def version(*names):
    return versions.code_version.__wrapped__(names, ("numpy",))


def test_any_change_of_the_named_rooms_is_another_version(rooms):
    before, other = version("one"), version("other")
    (rooms / "one/code.py").write_text("a = 2")
    changed = version("one")
    (rooms / "one/new.py").write_text("")
    assert len({before, changed, version("one")}) == 3
    assert version("other") == other


def test_a_library_of_another_version_is_another_version(rooms, monkeypatch):
    before = version("one")
    monkeypatch.setattr(versions.metadata, "version", lambda name: "0")
    assert version("one") != before
