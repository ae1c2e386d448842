"""Which files and contents are known, and which must be read again."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest

from backlabel import images
from backlabel.hashing import Hashes
from backlabel.hashing import cache as cache_module
from backlabel.hashing import identity as content_module
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.identity import Content

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


def keep(folder: Path, parameters: dict[str, int], one: Entry | None = None) -> None:
    found = Hashed("tiff", Content(DIGEST, b""), one or entry())
    HashCache(folder, parameters).keep([found])


def test_gives_back_what_was_kept(tmp_path: Path) -> None:
    keep(tmp_path, {"limit": 1})
    assert same(HashCache(tmp_path, {"limit": 1}).get(DIGEST, "tiff"), entry())


def test_a_miss_is_none_before_anything_was_kept(tmp_path: Path) -> None:
    assert HashCache(tmp_path / "none", {}).get(DIGEST, "tiff") is None
    assert not (tmp_path / "none").exists()


def test_other_content_kind_or_parameters_miss(tmp_path: Path) -> None:
    keep(tmp_path, {"limit": 1})
    assert HashCache(tmp_path, {"limit": 1}).get("cd" * 32, "tiff") is None
    assert HashCache(tmp_path, {"limit": 1}).get(DIGEST, "jpeg") is None
    assert HashCache(tmp_path, {"limit": 2}).get(DIGEST, "tiff") is None


@pytest.mark.parametrize("changed", sorted(cache_module.versions()))
def test_another_version_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    keep(tmp_path, {})
    other = cache_module.versions() | {changed: "0.0"}
    monkeypatch.setattr(cache_module, "versions", lambda: other)
    assert HashCache(tmp_path, {}).get(DIGEST, "tiff") is None


def test_a_damaged_file_of_the_cache_is_a_miss_and_heals(tmp_path: Path) -> None:
    keep(tmp_path, {})
    (path,) = tmp_path.glob("*.sqlite")
    path.write_bytes(path.read_bytes()[:-3000])
    assert HashCache(tmp_path, {}).get(DIGEST, "tiff") is None
    keep(tmp_path, {}, entry(1))
    assert same(HashCache(tmp_path, {}).get(DIGEST, "tiff"), entry(1))


def content_of(path: Path) -> Content:
    with images.opened(path, max_bytes=1 << 20) as source:
        return content_module.content_of(source)


def known(folder: Path, image: Path, parameters: dict[str, int] | None = None) -> Hashed | None:
    return HashCache(folder, parameters or {}).known(image, "tiff")


def hashed(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that changed long ago, as the cache's clock has it, and whose hashes are kept."""
    image = folder / "a.tif"
    image.write_bytes(content)
    later = time.time() + 60
    monkeypatch.setattr(content_module.time, "time", lambda: later)
    HashCache(folder, {}).keep([Hashed("tiff", content_of(image), entry())])
    return image


def test_an_untouched_file_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = hashed(tmp_path, b"first", monkeypatch)
    monkeypatch.setattr(images.Source, "read", lambda *_: pytest.fail("read again"))
    found = known(tmp_path, image)
    assert found is not None
    assert found.content.sha256 == hashlib.sha256(b"first").hexdigest()
    assert same(found.entry, entry())


def test_an_untouched_file_is_unknown_for_other_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = hashed(tmp_path, b"first", monkeypatch)
    assert known(tmp_path, image, {"other": 1}) is None
    assert HashCache(tmp_path, {}).known(image, "jpeg") is None


def test_new_bytes_under_the_old_time_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = hashed(tmp_path, b"first", monkeypatch)
    status = image.stat()
    time.sleep(0.02)  # more than a tick of the kernel's clock
    image.write_bytes(b"other")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert known(tmp_path, image) is None
    assert content_of(image).sha256 == hashlib.sha256(b"other").hexdigest()


def test_another_file_a_link_and_no_file_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = hashed(tmp_path, b"first", monkeypatch)
    moved = image.rename(tmp_path / "b.tif")
    assert known(tmp_path, moved) is None
    assert known(tmp_path, image) is None
    image.symlink_to(moved)
    assert known(tmp_path, image) is None
    image.unlink()
    image.write_bytes(b"first")
    assert known(tmp_path, image) is None


def test_a_file_that_just_changed_is_not_remembered(tmp_path: Path) -> None:
    image = tmp_path / "a.tif"
    image.write_bytes(b"first")
    content = content_of(image)
    assert content == Content(hashlib.sha256(b"first").hexdigest(), b"")
    HashCache(tmp_path, {}).keep([Hashed("tiff", content, entry())])
    assert known(tmp_path, image) is None
    assert same(HashCache(tmp_path, {}).get(content.sha256, "tiff"), entry())
