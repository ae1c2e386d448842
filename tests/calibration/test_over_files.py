"""Trials of a folder, whatever the order, the names and the number of workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictures import picture, save

from backlabel.calibration.over_files import Bounds, Picture, draw, find, trials_of, trials_of_all
from backlabel.errors import DataError
from backlabel.images import Limits

pytestmark = pytest.mark.slow

LIMITS = Limits()
BOUNDS = Bounds(1, max_seconds=120, max_memory_mib=2048)
KINDS = ("quality 75", "half size")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "a.tif", picture(1))
    save(tmp_path / "deep/b.TIFF", picture(2))
    return tmp_path


def run(pictures: list[Picture], workers: int):
    bounds = replace(BOUNDS, workers=workers)
    return trials_of_all(pictures, KINDS, seed=3, limits=LIMITS, bounds=bounds)


def test_neither_workers_nor_order_nor_names_count(folder: Path) -> None:
    pictures = find([folder], LIMITS, BOUNDS).pictures
    one_by_one = [
        trial for one in pictures for trial in trials_of(one, kinds=KINDS, seed=3, limits=LIMITS)
    ]
    assert run(pictures[::-1], 1).trials == run(pictures, 2).trials == one_by_one

    moved = {pictures[0].path: folder / "z.tif", pictures[1].path: folder / "0.tif"}
    for old, new in moved.items():
        Path(old).rename(new)
    renamed = run(find([folder], LIMITS, BOUNDS).pictures, 2).trials
    expected = [replace(one, picture=str(moved[one.picture])) for one in one_by_one]
    assert sorted(renamed, key=repr) == sorted(expected, key=repr)


def test_the_seed_counts(folder: Path) -> None:
    one = find([folder], LIMITS, BOUNDS).pictures[0]
    first, second = (trials_of(one, kinds=KINDS, seed=n, limits=LIMITS) for n in (0, 1))
    assert first != second


def test_what_cannot_be_used_is_listed(folder: Path) -> None:
    save(folder / "flat.tif", np.full((64, 64), 7, np.uint8))
    (folder / "torn.tif").write_bytes((folder / "a.tif").read_bytes()[:2000])
    outcome = run(find([folder], LIMITS, BOUNDS).pictures, 1)
    assert [Path(one.path).name for one in outcome.pictures] == ["a.tif", "b.TIFF"]
    listed = {Path(one.path).name: one.reason for one in outcome.passed}
    assert listed == {"flat.tif": "without information", "torn.tif": "truncated"}


def test_the_same_bytes_are_used_once(folder: Path) -> None:
    save(folder / "c.tif", picture(1))
    (folder / "empty.tif").touch()
    found = find([folder / "deep", folder], LIMITS, BOUNDS)
    assert [Path(one.path).name for one in found.pictures] == ["a.tif", "b.TIFF"]
    assert [(Path(one.path).name, one.reason) for one in found.passed] == [
        ("c.tif", "same bytes"),
        ("empty.tif", "empty"),
    ]


@pytest.mark.parametrize("name", ["nowhere", "nothing"])
def test_a_folder_without_tiffs_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match=f"{name}: no (such folder|TIFF)"):
        find([tmp_path / name], LIMITS, BOUNDS)


PICTURES = [Picture(f"{n}.tif", f"{n:064x}") for n in range(20)]


def test_the_draw_depends_on_content_and_seed() -> None:
    drawn = draw(PICTURES, 5, seed=0)
    renamed = [replace(one, path=f"other/{one.path}") for one in reversed(PICTURES)]
    again = draw(renamed, 5, seed=0)
    assert len(drawn) == 5
    assert {one.sha256 for one in again} == {one.sha256 for one in drawn}
    assert draw(PICTURES, 5, seed=1) != drawn
    assert draw(PICTURES, None, seed=0) == PICTURES


def test_more_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match=r"--images 21, but only 20"):
        draw(PICTURES, 21, seed=0)
