"""Files that may be images, packed."""

from __future__ import annotations

import pytest

from backlabel.inventory.files import Files, Listed

EVERY = [
    Listed("data/a.tif", "tiff"),
    Listed("data/\udcff µ.jpg", "jpeg"),
    Listed("data/b.png", "png"),
    Listed("data/a.tif", "tiff"),
]


def test_what_was_put_comes_out() -> None:
    files = Files(EVERY)
    assert [*files] == EVERY
    assert files[-1] == EVERY[-1]
    assert [*files.paths] == [one.path for one in EVERY]
    assert files.paths[1] == EVERY[1].path
    assert [*files.paths[1:3]] == [one.path for one in EVERY[1:3]]
    with pytest.raises(IndexError):
        files[len(EVERY)]


def test_some_of_them_in_any_order() -> None:
    files = Files(EVERY)
    assert files[1:3] == EVERY[1:3]
    assert files.taken([2, 0]) == [EVERY[2], EVERY[0]]
    assert files[1:].taken([1, 2])[1:] == EVERY[3:]
    assert files.joined(files[:1]) == [*EVERY, EVERY[0]]
    assert not Files()
    assert files != EVERY[:3]
