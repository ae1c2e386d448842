"""Each page of a TIFF that is a picture of its own is hashed; the others are told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from backlabel import images
from backlabel.hashing import engine, pages
from backlabel.hashing.cache import Hashed
from backlabel.inventory.files import Files, Listed
from workspace import picture

pytestmark = pytest.mark.slow

SETTINGS = engine.Settings(
    limits=images.Limits(), engine="fast", workers=1, max_seconds=600, max_memory_mib=1024
)
LARGE = 512, 768


def written(path, *sheets):
    """A TIFF of pages: arrays, or pairs of an array and how tifffile is to write it."""
    with tifffile.TiffWriter(path) as writer:
        for sheet in sheets:
            array, how = sheet if isinstance(sheet, tuple) else (sheet, {})
            writer.write(array, metadata=None, **how)
    return path


def outcomes(path, settings=SETTINGS):
    items = [Listed(str(path), "tiff")]
    cache = path.parent / "cache"
    mains = engine.hash_files(Files(items), settings, cache)
    (found,) = pages.every_page(items, mains, settings, cache)
    return found


def found(path, settings=SETTINGS):
    """By page the note of the picture, or the reason of its error."""
    return {
        one.page: one.outcome.entry.note if isinstance(one.outcome, Hashed) else one.outcome.reason
        for one in outcomes(path, settings)
    }


def reduced(array, share, how=Image.Resampling.BOX):
    height, width = array.shape
    size = round(width * share), round(height * share)
    return np.asarray(Image.fromarray(array).resize(size, how))


def test_an_ordinary_file_is_one_picture(tmp_path):
    assert found(written(tmp_path / "a.tif", picture(1))) == {1: ""}


def test_pages_of_different_pictures(tmp_path):
    path = written(tmp_path / "a.tif", picture(1), picture(2), picture(3, 48, 64))
    assert found(path) == {1: "page 1 of 3", 2: "page 2 of 3", 3: "page 3 of 3"}


def test_a_page_has_the_hash_that_it_has_alone(tmp_path):
    path = written(tmp_path / "a.tif", picture(1), picture(2))
    alone = outcomes(written(tmp_path / "b.tif", picture(2)))[0].outcome
    page = outcomes(path)[1].outcome
    for name in ("standardised", "grey"):
        ours, theirs = getattr(page.entry.hashes, name), getattr(alone.entry.hashes, name)
        np.testing.assert_array_equal(ours, theirs)


def test_what_is_no_picture_of_its_own_is_told_apart(tmp_path):
    whole = picture(1, *LARGE)
    path = written(
        tmp_path / "a.tif",
        reduced(whole, 1 / 8),
        whole,
        (picture(5), {"subfiletype": 1}),
        whole,
        reduced(whole, 1 / 2),
        picture(2, *LARGE),
        (np.zeros(LARGE, bool), {"subfiletype": 4}),
    )
    assert found(path) == {
        2: "page 2 of 7; pages 1, 5: a smaller copy of page 2; page 3: marked as a smaller copy; "
        "page 4: page 2 once more; page 7: a mask",
        6: "page 6 of 7",
    }


def test_a_pyramid_in_sub_pages_is_one_picture(tmp_path):
    whole = picture(1, *LARGE)
    levels = [(reduced(whole, 1 / factor), {"subfiletype": 1}) for factor in (2, 4)]
    path = written(tmp_path / "a.tif", (whole, {"subifds": 2}), *levels, picture(2, *LARGE))
    assert found(path) == {1: "page 1 of 2", 2: "page 2 of 2"}


def test_frames_of_one_field_are_pictures_of_their_own(tmp_path):
    """Nothing but their noise tells them apart, and noise is what decides."""
    noise = np.random.default_rng(0).integers(0, 12, (2, *LARGE), np.uint8)
    frames = [picture(1, *LARGE) // 2 + one for one in noise]
    assert list(found(written(tmp_path / "a.tif", *frames))) == [1, 2]


def beyond_the_file(path, page):
    """Let the strip of a page lie where the file has ended."""
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[page - 1].tags["StripOffsets"].overwrite(1 << 30)
    return path


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_bad_page_is_an_error_by_itself(tmp_path, bad):
    path = written(tmp_path / "a.tif", picture(1), picture(2), picture(3))
    wanted = {1: "page 1 of 3", 2: "page 2 of 3", 3: "page 3 of 3"} | {bad: "truncated"}
    assert found(beyond_the_file(path, bad)) == wanted


def test_one_bad_page_is_a_bad_file(tmp_path):
    assert found(beyond_the_file(written(tmp_path / "a.tif", picture(1)), 1)) == {None: "truncated"}


def test_known_pages_are_not_read_again(tmp_path, monkeypatch):
    path = written(tmp_path / "a.tif", picture(1), picture(2))
    first = found(path)
    monkeypatch.setattr(images, "picture", lambda *_: pytest.fail("a page is read"))
    monkeypatch.setattr(engine.crew, "map_files", _here)
    assert found(path) == first


def _here(function, items, **_):
    return [(item, function(item)) for item in items]


def test_both_engines_find_the_same(tmp_path):
    path = written(tmp_path / "a.tif", picture(1), picture(2), picture(1))
    fast, slow = outcomes(path), outcomes(path, replace(SETTINGS, engine="reference"))
    for one, other in zip(fast, slow, strict=True):
        assert one.page == other.page
        assert one.outcome.entry.note == other.outcome.entry.note
        ours, theirs = one.outcome.entry.hashes, other.outcome.entry.hashes
        np.testing.assert_array_equal(ours.grey, theirs.grey)


def test_a_file_that_changes_between_its_pages_is_refused(tmp_path):
    path = written(tmp_path / "a.tif", picture(1), picture(2))
    items = [Listed(str(path), "tiff")]
    mains = engine.hash_files(Files(items), SETTINGS, tmp_path / "cache")
    written(path, picture(1), picture(3))
    (both,) = pages.every_page(items, mains, SETTINGS, tmp_path / "cache")
    assert both[1].outcome.reason == "changed"


def test_numbers_as_people_write_them():
    assert pages._ranges([2]) == "page 2"
    assert pages._ranges([2, 3, 4, 7]) == "pages 2-4, 7"


def test_pages_beyond_the_limit_are_an_error_by_themselves(tmp_path):
    path = written(tmp_path / "a.tif", *(picture(seed) for seed in range(1, 6)))
    three = replace(SETTINGS, limits=images.Limits(max_pages=3))
    *kept, last = outcomes(path, three)
    assert [one.page for one in kept] == [1, 2, 3]
    assert (last.page, last.outcome.reason) == (4, "too many pages")
    assert "from 4 on" in last.outcome.detail
    assert "read.max_pages allows 3" in last.outcome.detail
    assert list(found(path, replace(SETTINGS, limits=images.Limits(max_pages=5)))) == [
        1,
        2,
        3,
        4,
        5,
    ]
