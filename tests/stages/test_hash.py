"""The hash stage: every file reported, nothing hashed twice, the same rows whoever works."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import workspace
from backlabel import config, images
from backlabel.errors import DataError, SchemeError, UnreadableImageError
from backlabel.hashing import file as hashing_file
from backlabel.hashing import identity as hashing_content
from backlabel.hashing import reference, to_hex
from backlabel.hashing.cache import HashCache
from backlabel.inventory import scanning
from backlabel.stages import hash as hash_stage
from backlabel.storage import paths, tables
from backlabel.storage.rows import JpegHash, Passed, TiffHash
from backlabel.workers import crew

pytestmark = pytest.mark.slow

PAIRS = [("x/m 1.tif", "L9", 1), ("y/m 1.tif", "L9", 2), ("z/\u00e4.TIF", "L1", 3)]
CACHE = ".backlabel/cache/hashes.sqlite"
# Beside what was hashed, a digest is kept of each file that is not brand-new.
HASHED = "SELECT * FROM entries WHERE length(value) > 2 * 32 + 1"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    workspace.make(tmp_path, PAIRS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(**sections):
    params = config.load()
    changed = {
        name: getattr(params, name).model_copy(update=values) for name, values in sections.items()
    }
    hash_stage.main(params.model_copy(update=changed))
    return tables.read(paths.TIFF_HASHES, TiffHash), tables.read(paths.JPEG_HASHES, JpegHash)


def in_cache(root, statement):
    with sqlite3.connect(root / CACHE) as connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def entries(root):
    return {*in_cache(root, HASHED)}


def test_hashes_are_those_of_imagehash(root):
    tiffs, jpegs = run()
    assert [row.path for row in tiffs] == ["data/tiff/" + path for path, _, _ in PAIRS]
    for row in (*tiffs, *jpegs):
        with Image.open(row.path) as image:
            grey = np.asarray(image.convert("L"))
        assert row.phash == to_hex(reference.phash(reference.standardise(grey)))
        assert row.phash_grey == to_hex(reference.phash(grey))


def test_only_new_contents_are_hashed(root):
    run()
    before = entries(root)
    assert len(before) == 2 * len(PAIRS)
    (root / "data/tiff/x/m 1.tif").rename(root / "data/tiff/moved.tif")
    tifffile.imwrite(root / "data/tiff/new.tif", workspace.picture(9))
    tiffs, _ = run()
    assert len(tiffs) == len(PAIRS) + 1
    assert len(entries(root) - before) == 1


@pytest.fixture
def settled(monkeypatch):
    """The clock stands where files have not changed for a while."""
    later = time.time() + 60
    monkeypatch.setattr(hashing_content.time, "time", lambda: later)


def test_untouched_files_need_no_worker(root, settled, monkeypatch):
    monkeypatch.setattr(crew, "map_files", in_this_process)  # workers have a clock of their own
    expected = run()
    monkeypatch.setattr(crew, "map_files", lambda *_, **__: pytest.fail("a worker is started"))
    assert run() == expected


def test_new_files_take_their_places_among_known_ones(root, settled, monkeypatch):
    monkeypatch.setattr(crew, "map_files", in_this_process)
    run()
    for name in ("a.tif", "x/z.tif", "zz.tif"):
        tifffile.imwrite(root / "data/tiff" / name, workspace.picture(len(name)))
    tiffs, _ = run()
    assert [row.path for row in tiffs] == sorted(row.path for row in tiffs)
    assert len(tiffs) == len(PAIRS) + 3
    for row in tiffs:
        grey = images.read(root / row.path).grey
        assert row.phash_grey == to_hex(reference.phash(grey))


def test_what_was_hashed_before_an_error_is_kept(root, monkeypatch):
    def ends_early(function, items, **_):
        yield items[0], function(items[0])
        raise RuntimeError("a bug")

    monkeypatch.setattr(crew, "map_files", ends_early)
    with pytest.raises(RuntimeError, match="a bug"):
        run()
    assert len(entries(root)) == 1


def test_damaged_entries_are_hashed_again(root):
    expected = run()
    whole = in_cache(root, HASHED)
    in_cache(root, "UPDATE entries SET value = value || x'3f'")
    assert run() == expected
    assert in_cache(root, HASHED) == whole


def test_other_limits_are_not_answered_from_the_cache(root):
    run()
    read = {"max_pixels": 10, "max_mosaic_pixels": 0, "max_unreadable_share": 1.0}
    assert run(read=read) == ([], [])
    reasons = {row.reason for row in tables.read(paths.UNREADABLE, Passed)}
    assert len(reasons) == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_do_not_depend_on_the_number_of_workers(root, workers, monkeypatch):
    for seed in range(10, 50):
        tifffile.imwrite(root / f"data/tiff/{seed}.tif", workspace.picture(seed, 48, 64))
    tiffs, _ = run(hash={"workers": workers})
    assert [row.path for row in tiffs] == sorted(row.path for row in tiffs)
    grey = images.read(root / "data/tiff/12.tif").grey
    found = next(row for row in tiffs if row.file == "12.tif")
    assert found.phash == to_hex(reference.phash(reference.standardise(grey)))


def test_unreadable_files_are_listed_and_the_run_goes_on(root):
    (root / "data/tiff/broken.tif").write_bytes(b"II*\0")
    tiffs, _ = run()
    assert len(tiffs) == len(PAIRS)
    (row,) = tables.read(paths.UNREADABLE, Passed)
    assert (row.path, row.kind) == ("data/tiff/broken.tif", "tiff")
    assert row.detail


def in_this_process(function, items, **_):
    for item in items:
        try:
            yield item, function(item)
        except UnreadableImageError as error:
            yield item, error


def grown(path):
    with path.open("ab") as file:
        file.write(b"more")


def another_picture(path):
    other = path.with_name("other")
    tifffile.imwrite(other, workspace.picture(7))
    other.replace(path)


@pytest.mark.parametrize(
    ("disturb", "reason"),
    [(grown, "changed"), (another_picture, "changed"), (Path.unlink, "vanished")],
    ids=["grows", "is replaced", "vanishes"],
)
@pytest.mark.parametrize("moment", ["before its digest is taken", "after"])
def test_a_file_that_is_disturbed_while_it_is_hashed_is_listed(
    root, monkeypatch, disturb, reason, moment
):
    path = root / "data/tiff/y/m 1.tif"
    before, content_of = path.read_bytes(), hashing_file.content_of

    inode = path.stat().st_ino

    def disturbing(source):
        if source.status.st_ino != inode:
            return content_of(source)
        if moment == "after":
            found = content_of(source)
            disturb(path)
            return found
        disturb(path)
        return content_of(source)

    with monkeypatch.context() as patch:
        patch.setattr(crew, "map_files", in_this_process)
        patch.setattr(hashing_file, "content_of", disturbing)
        tiffs, _ = run()
    assert len(tiffs) == len(PAIRS) - 1
    (row,) = tables.read(paths.UNREADABLE, Passed)
    assert (row.path, row.reason) == ("data/tiff/y/m 1.tif", reason)
    # Nothing false was kept under the digest of what the file held first.
    path.write_bytes(before)
    tiffs, _ = run()
    grey = workspace.picture(2)
    assert tiffs[1].phash == to_hex(reference.phash(reference.standardise(grey)))
    assert tables.read(paths.UNREADABLE, Passed) == []


def test_a_file_that_vanishes_after_it_was_listed(root, monkeypatch):
    scan = scanning.scan

    def vanishing(folder, kinds):
        found = scan(folder, kinds=kinds)
        if "tiff" in kinds:
            (root / found.images[0].path).unlink()
        return found

    monkeypatch.setattr(scanning, "scan", vanishing)
    tiffs, _ = run()
    assert len(tiffs) == len(PAIRS) - 1
    (row,) = tables.read(paths.UNREADABLE, Passed)
    assert (row.path, row.reason) == ("data/tiff/x/m 1.tif", "vanished")


def test_too_many_unreadable_files_stop_the_run(root):
    for number in range(9):
        (root / f"data/tiff/broken {number}.tif").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"9 of 15 images cannot be read .*unreadable\.csv"):
        run()
    assert len(tables.read(paths.UNREADABLE, Passed)) == 9


def test_unknown_category_names_the_known_ones(root):
    with pytest.raises(DataError, match="data/jpeg holds Fibres, Tips"):
        run(hash={"category": "Cats"})


def test_wrong_prefix_stops_before_anything_is_hashed(root):
    jpeg = next((root / "data/jpeg/Tips").iterdir())
    jpeg.rename(jpeg.with_name("L1_x.jpg"))
    with pytest.raises(SchemeError, match="L1 means 'Fibres'"):
        run()
    assert not (root / CACHE).exists()


def test_the_reference_engine_gives_the_same_tables_and_reads_no_cache(root, monkeypatch):
    fast = run()
    monkeypatch.setattr(HashCache, "known", lambda *_: pytest.fail("the cache is read"))
    assert run(hash={"engine": "reference"}) == fast


def test_other_formats_where_they_are_asked_for(root):
    picture = Image.fromarray(workspace.picture(7))
    for name in ("data/tiff/a.png", "data/tiff/b.bmp", "data/jpeg/Tips/L9_c.png"):
        picture.save(root / name)
    before = [row.path for rows in run() for row in rows]
    passed = {row.path: row.reason for row in tables.read(paths.SKIPPED, Passed)}
    assert passed["data/tiff/a.png"] == "named like a PNG"
    formats = {"jpeg_formats": ("jpeg", "png"), "tiff_formats": ("tiff", "png", "bmp")}
    after = {row.path: row for rows in run(data=formats) for row in rows}
    assert set(after) - set(before) == {
        "data/tiff/a.png",
        "data/tiff/b.bmp",
        "data/jpeg/Tips/L9_c.png",
    }
    assert after["data/tiff/a.png"].phash == after["data/jpeg/Tips/L9_c.png"].phash
    assert after["data/tiff/b.bmp"].phash == after["data/tiff/a.png"].phash


def test_an_original_that_is_no_tiff_and_cannot_be_read_is_an_original(root):
    (root / "data/tiff/a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    run(data={"tiff_formats": ("tiff", "png")})
    (row,) = tables.read(paths.UNREADABLE, Passed)
    assert (row.path, row.kind, row.reason) == ("data/tiff/a.png", "tiff", "corrupt")


def test_several_folders_of_either_side(root):
    (root / "data/jpeg/Fibres").rename(root / "data/Fibres")
    (root / "data/more").mkdir()
    (root / "data/Fibres").rename(root / "data/more/Fibres")
    (root / "data/tiff/x").rename(root / "data/x")
    tiffs, jpegs = run(data={"jpeg": ("data/jpeg", "data/more"), "tiff": ("data/x", "data/tiff")})
    assert [row.path for row in tiffs] == sorted(row.path for row in tiffs)
    assert {row.path.rpartition("/")[0] for row in tiffs} == {
        "data/x",
        "data/tiff/y",
        "data/tiff/z",
    }
    assert {row.category for row in jpegs} == {"Fibres", "Tips"}


def test_one_category_of_a_flat_folder(root):
    for path in list((root / "data/jpeg").rglob("*.jpg")):
        path.rename(root / "data/jpeg" / path.name)
    listed = tuple((f"kind {digit}",) for digit in range(10))
    labels = {"name": "own", "by": "prefix", "categories": listed}
    _, jpegs = run(labels=labels, hash={"category": "kind 1"})
    assert [(row.label, row.category) for row in jpegs] == [("L1", "kind 1")]
