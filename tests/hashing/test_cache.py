"""The cache never gives what was not put, and survives its users."""

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from backlabel.errors import OutputError
from backlabel.files import sha256
from backlabel.hashing import Hashes
from backlabel.hashing import cache as cache_module
from backlabel.hashing.cache import Entry, HashCache

DIGEST = "ab" * 32


def entry(seed: int = 0, note: str = "16 bit, scaled") -> Entry:
    bits = np.random.default_rng(seed).integers(0, 256, (2, 128), np.uint8)
    return Entry(Hashes(bits[0], bits[1], "flat"), 768, 1024, note)


def same(a: Entry | None, b: Entry) -> bool:
    return a is not None and (
        np.array_equal(a.hashes.standardised, b.hashes.standardised)
        and np.array_equal(a.hashes.grey, b.hashes.grey)
        and (a.hashes.information, a.note) == (b.hashes.information, b.note)
    )


def only_file(folder: Path) -> Path:
    (path,) = (p for p in folder.rglob("*") if p.is_file())
    return path


def test_gives_back_what_was_put(tmp_path: Path) -> None:
    HashCache(tmp_path, {"limit": 1}).put(DIGEST, "tiff", entry())
    assert same(HashCache(tmp_path, {"limit": 1}).get(DIGEST, "tiff"), entry())


def test_a_miss_is_none_before_anything_was_put(tmp_path: Path) -> None:
    assert HashCache(tmp_path / "none", {}).get(DIGEST, "tiff") is None
    assert not (tmp_path / "none").exists()


def test_other_content_kind_or_parameters_miss(tmp_path: Path) -> None:
    HashCache(tmp_path, {"limit": 1}).put(DIGEST, "tiff", entry())
    assert HashCache(tmp_path, {"limit": 1}).get("cd" * 32, "tiff") is None
    assert HashCache(tmp_path, {"limit": 1}).get(DIGEST, "jpeg") is None
    assert HashCache(tmp_path, {"limit": 2}).get(DIGEST, "tiff") is None


@pytest.mark.parametrize("changed", sorted(cache_module.versions()))
def test_another_version_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    HashCache(tmp_path, {}).put(DIGEST, "tiff", entry())
    other = cache_module.versions() | {changed: "0.0"}
    monkeypatch.setattr(cache_module, "versions", lambda: other)
    assert HashCache(tmp_path, {}).get(DIGEST, "tiff") is None


def test_every_torn_length_and_flipped_byte_is_a_miss_and_heals(tmp_path: Path) -> None:
    cache = HashCache(tmp_path, {})
    cache.put(DIGEST, "tiff", entry())
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert cache.get(DIGEST, "tiff") is None
        flipped = bytearray(whole)
        flipped[length] ^= 1
        path.write_bytes(flipped)
        assert cache.get(DIGEST, "tiff") is None
    cache.put(DIGEST, "tiff", entry(1))
    assert same(cache.get(DIGEST, "tiff"), entry(1))


def test_an_entry_under_another_name_is_a_miss(tmp_path: Path) -> None:
    cache = HashCache(tmp_path, {})
    cache.put(DIGEST, "tiff", entry())
    moved = only_file(tmp_path).read_bytes()
    cache.put(DIGEST, "jpeg", entry(1))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(moved)
    assert cache.get(DIGEST, "jpeg") is None
    assert same(cache.get(DIGEST, "tiff"), entry())


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "hashes").write_text("a file stands where the folder would go")
    with pytest.raises(OutputError, match="hashes"):
        HashCache(tmp_path, {}).put(DIGEST, "tiff", entry())


def _fill(folder: Path, start: "multiprocessing.synchronize.Barrier") -> None:
    start.wait()
    cache = HashCache(folder, {})
    for i in range(100):
        cache.put(f"{i:064x}", "tiff", entry(i))
        assert same(cache.get(f"{i:064x}", "tiff"), entry(i))


def test_processes_that_start_a_store_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    workers = [context.Process(target=_fill, args=(tmp_path, start)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert all(same(HashCache(tmp_path, {}).get(f"{i:064x}", "tiff"), entry(i)) for i in range(100))
    assert not list(tmp_path.rglob(".partial-*"))


def _old_file(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changed long ago, as the cache's clock has it."""
    path.write_bytes(content)
    later = time.time() + 60
    monkeypatch.setattr(cache_module.time, "time", lambda: later)


def test_an_untouched_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "a.tif"
    _old_file(image, b"first", monkeypatch)
    digest = HashCache(tmp_path, {}).digest(image)
    assert digest == sha256(image)
    monkeypatch.setattr(cache_module.files, "sha256", lambda _: pytest.fail("read again"))
    assert HashCache(tmp_path, {"other": 1}).digest(image) == digest


def test_new_bytes_under_the_old_time_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "a.tif"
    _old_file(image, b"first", monkeypatch)
    cache = HashCache(tmp_path, {})
    cache.digest(image)
    status = image.stat()
    time.sleep(0.02)  # more than a tick of the kernel's clock
    image.write_bytes(b"other")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cache.digest(image) == sha256(image)


def test_a_file_that_just_changed_is_not_remembered(tmp_path: Path) -> None:
    image = tmp_path / "a.tif"
    image.write_bytes(b"first")
    HashCache(tmp_path, {}).digest(image)
    assert not (tmp_path / "digests").exists()
