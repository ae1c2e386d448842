"""What `cache.type` says, and when that will copy much."""

from __future__ import annotations

import pytest

from backlabel.inventory import cache_type


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / ".dvc").mkdir()
    monkeypatch.setattr(cache_type, "_shares_blocks", lambda _: False)
    return tmp_path


def configure(root, text, name="config"):
    (root / ".dvc" / name).write_text(text)


def test_what_the_local_file_says_counts(root):
    assert cache_type.chosen(root) == ["reflink", "copy"]
    configure(root, '[cache]\n    type = "hardlink,copy"\n')
    assert cache_type.chosen(root) == ["hardlink", "copy"]
    configure(root, "[cache]\n    type = symlink\n", "config.local")
    assert cache_type.chosen(root) == ["symlink"]


@pytest.mark.parametrize(
    ("way", "shares", "copies"),
    [
        ("copy", True, True),
        ("reflink,copy", False, True),
        ("reflink,copy", True, False),
        ("reflink,hardlink,copy", False, False),
        ("hardlink", False, False),
        ("symlink", False, False),
    ],
)
def test_what_copies(root, monkeypatch, way, shares, copies):
    monkeypatch.setattr(cache_type, "_shares_blocks", lambda _: shares)
    configure(root, f"[cache]\n    type = {way}\n")
    assert cache_type.copies(root) == copies


def test_much_that_is_copied_is_told(root):
    (note,) = cache_type.findings(root, root / "data", [600_000_000, 600_000_000])
    assert note.note
    assert note.problem.startswith("1.2 GB, which DVC copies for each experiment")
    assert "cache.type hardlink,copy" in note.advice
    assert cache_type.findings(root, root / "data", [600_000_000]) == []
    configure(root, "[cache]\n    type = hardlink\n")
    assert cache_type.findings(root, root / "data", [2_000_000_000]) == []


def test_a_torn_configuration_is_left_to_dvc(root):
    configure(root, "[cache\ntype")
    assert cache_type.chosen(root) == ["reflink", "copy"]
