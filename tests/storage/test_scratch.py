"""Files without a name, in which lies what there is of every image."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from backlabel.errors import OutputError
from backlabel.storage.scratch import Scratch, Shelf

LONG = bytes(range(256)) * 100
"""More than is written, or read, at a time."""


def test_bytes_come_back_whenever_they_are_asked_for() -> None:
    file = Scratch()
    assert file.add(b"abc") == 0
    assert file.get(0, 3) == b"abc"
    assert file.add(LONG) == 3
    assert file.add(b"def") == 3 + len(LONG)
    file.put(1, b"X")
    assert [file.get(*place) for place in ((0, 3), (3, len(LONG)), (3 + len(LONG), 3))] == [
        b"aXc",
        LONG,
        b"def",
    ]
    assert file.add(b"g") == 6 + len(LONG)
    assert file.array().tobytes() == b"aXc" + LONG + b"defg"


def test_an_array_is_of_the_type_that_is_asked_for() -> None:
    file, rows = Scratch(), np.arange(6)
    assert file.array(np.int64).shape == (0,)
    file.add(rows.reshape(2, 3).data)
    np.testing.assert_array_equal(file.array(np.int64), rows)


def test_values_by_number_in_any_order_and_anew() -> None:
    shelf = Shelf()
    for at, value in ((2, LONG), (0, b"a"), (1, b""), (0, b"anew")):
        shelf[at] = value
    assert [shelf[at] for at in range(3)] == [b"anew", b"", LONG]


def test_threads_may_ask_at_a_time() -> None:
    shelf, count = Shelf(), 3000
    for at in range(count):
        shelf[at] = b"%d" % at * 20
    asked = [at % count for at in range(0, 7 * 5 * count, 7)]
    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(shelf.__getitem__, asked)] == [b"%d" % at * 20 for at in asked]


def test_it_lies_in_the_project_or_where_temporary_files_do(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Scratch().add(LONG)
    assert not [*tmp_path.iterdir()]
    (tmp_path / ".backlabel").mkdir()
    file = Scratch()
    file.add(LONG)
    assert file.get(0, 3) == LONG[:3]
    assert not [*(tmp_path / ".backlabel").iterdir()]


def test_a_full_disk_is_told(monkeypatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
        Scratch().add(LONG)
