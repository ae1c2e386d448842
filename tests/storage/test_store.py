"""The store never gives what was not put, and survives its users."""

import errno
import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from backlabel.errors import OutputError
from backlabel.storage.store import Store

KEY, VALUE = b"key", b"value" * 50


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "store.sqlite"


def changed(path, statement, *values):
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


def test_gives_back_what_was_put(path):
    Store(path).put([(KEY, VALUE), (b"other", b"")])
    assert Store(path).get(KEY) == VALUE
    assert Store(path).get(b"other") == b""
    assert Store(path).get(b"none") is None


def test_looking_makes_nothing(path):
    assert Store(path).get(KEY) is None
    assert not path.parent.exists()


def test_the_last_value_counts(path):
    store = Store(path)
    store.put([(KEY, b"first")])
    store.put([(KEY, VALUE)])
    assert store.get(KEY) == VALUE


def test_a_store_that_is_collected_closes_its_connection(path, monkeypatch):
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **b: opened.append(connect(*a, **b)) or opened[-1]
    )
    Store(path).put([(KEY, VALUE)])
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_another_process_gets_it_too(path):
    store = Store(path)
    store.put([(KEY, VALUE)])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(store.get, (KEY,)) == VALUE


@pytest.mark.slow
def test_every_flipped_byte_of_a_value_is_a_miss(path):
    store = Store(path)
    store.put([(KEY, VALUE)])
    with sqlite3.connect(path) as connection:
        ((raw,),) = connection.execute("SELECT value FROM entries")
    connection.close()
    for at in range(len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 1
        changed(path, "UPDATE entries SET value = ?", bytes(damaged))
        assert store.get(KEY) is None
    for length in range(len(raw)):
        changed(path, "UPDATE entries SET value = ?", raw[:length])
        assert store.get(KEY) is None
    store.put([(KEY, VALUE)])
    assert store.get(KEY) == VALUE


def test_a_value_under_another_key_is_a_miss(path):
    store = Store(path)
    store.put([(KEY, VALUE)])
    ours = hex_of(path)
    store.put([(b"other", b"its own")])
    changed(path, "UPDATE entries SET value = (SELECT value FROM entries WHERE hex(key) = ?)", ours)
    assert store.get(KEY) == VALUE
    assert store.get(b"other") is None


def hex_of(path):
    with sqlite3.connect(path) as connection:
        ((name,),) = connection.execute("SELECT hex(key) FROM entries")
    connection.close()
    return name


@pytest.mark.parametrize("opened", [False, True], ids=["found", "under the hands"])
@pytest.mark.parametrize("length", [0, 1, 50, 100, 200, 4096, 5000, 8191])
def test_a_torn_file_gives_nothing_false_and_is_begun_anew(path, length, opened):
    store = Store(path)
    store.put([(KEY, VALUE)])
    if not opened:
        store = Store(path)
    os.truncate(path, length)
    assert store.get(KEY) in (None, VALUE)  # SQLite may have the page in memory still
    store.put([(b"other", b"value")])
    store.put([(KEY, VALUE)])
    assert Store(path).get(KEY) == VALUE
    assert Store(path).get(b"other") == b"value"


def test_a_file_of_something_else_is_begun_anew(path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 500)
    assert Store(path).get(KEY) is None
    Store(path).put([(KEY, VALUE)])
    assert Store(path).get(KEY) == VALUE


def test_a_damaged_file_that_may_not_be_deleted_is_named(path, monkeypatch):
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 500)

    def refused(self, missing_ok=False):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(OutputError, match=r"store\.sqlite: cannot be written .*Permission denied"):
        Store(path).put([(KEY, VALUE)])


def test_a_file_that_was_deleted_meanwhile_is_made_again(path):
    store = Store(path)
    store.put([(KEY, VALUE)])
    path.unlink()
    store.put([(b"other", b"value")])
    assert Store(path).get(b"other") == b"value"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "cache").write_text("a file stands where the folder would go")
    with pytest.raises(OutputError, match="cache"):
        Store(tmp_path / "cache" / "store.sqlite").put([(KEY, VALUE)])
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(OutputError, match=r"folder\.sqlite: cannot be written \(unable to open"):
        Store(tmp_path / "folder.sqlite").put([(KEY, VALUE)])


def _fill(path, start):
    start.wait()
    store = Store(path)
    for i in range(100):
        store.put([(b"%d" % i, VALUE)])
        assert store.get(b"%d" % i) == VALUE


def test_processes_that_start_a_store_together(path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    workers = [context.Process(target=_fill, args=(path, start)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert all(Store(path).get(b"%d" % i) == VALUE for i in range(100))


def _fill_for_ever(path, filled):
    store, i = Store(path), 0
    while True:
        store.put([(b"%d" % (i + j), VALUE) for j in range(64)])
        i += 64
        filled.value = i


def test_a_kill_loses_at_most_what_was_under_way(path):
    context = multiprocessing.get_context("spawn")
    filled = context.Value("q", 0)
    for _ in range(5):
        filled.value = 0
        worker = context.Process(target=_fill_for_ever, args=(path, filled))
        worker.start()
        while filled.value < 500:
            pass
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        store, kept = Store(path), filled.value
        assert [i for i in range(kept) if store.get(b"%d" % i) != VALUE] == []
        store.put([(b"after", VALUE)])
        assert store.get(b"after") == VALUE
