"""What `backlabel init` makes of a folder's layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from backlabel import config
from backlabel.labels.schemes import Scheme
from backlabel.project import looking
from backlabel.project.looking import Side

ROOT = Path(__file__).parents[2]
OFFERED = [Scheme(**dict(one)) for one in config.schemes(ROOT / "conf")]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


def proposed(*names, table=None):
    touch(*names)
    return looking.scheme(looking.side(["j"], looking.COPIES), OFFERED, table)


def test_folders_of_any_names():
    found = proposed("j/Wood/a.png", "j/Öl film/b.png")
    assert found == Scheme("own", [["Wood"], ["Öl film"]], "folders")


def test_the_order_of_the_seed_and_of_the_published_files():
    assert proposed("j/Tips/L9_a.jpg", "j/Biological/L0_a.jpg").name == "seed"


def test_the_published_order():
    assert proposed("j/Tips/L5_a.jpg").name == "nffa"


def test_another_order_of_folders_and_prefixes():
    found = proposed("j/Wood/L1_a.jpg", "j/Leaf/L0_a.jpg")
    assert found == Scheme("own", [["Leaf"], ["Wood"]], "published")


def test_an_order_with_holes_is_left_to_the_data():
    assert proposed("j/Wood/L7_a.jpg") == Scheme("own", (), "published")


def test_prefixes_in_a_flat_folder():
    found = proposed(*(f"j/{name}_{i}.png" for name in ("wood", "leaf") for i in range(3)))
    assert found == Scheme("own", [["leaf"], ["wood"]], "prefix")


def test_names_that_happen_to_hold_an_underscore_are_no_prefixes():
    assert proposed(*(f"j/{i}_x.png" for i in range(6))) is None


def test_a_table():
    touch("data/labels.csv")
    Path("data/labels.csv").write_text("file,label\na.png,Wood\nb.png,Leaf\n")
    found = proposed("j/a.png", "j/b.png", table="data/labels.csv")
    assert found == Scheme("own", [["Leaf"], ["Wood"]], "table", "data/labels.csv")


def test_screenshots_beside_originals_are_passed_over():
    touch("a/1.tif", "a/2.bmp", "a/screenshot.png")
    assert looking.side(["a"], looking.ORIGINALS) == Side(("a",), ("tiff", "bmp"), 2)
    touch("b/1.png")
    assert looking.side(["b"], looking.ORIGINALS) == Side(("b",), ("png",), 1)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["raw/1.tif", "web/1.jpg", "notes/a.txt"], (["raw"], ["web"])),
        (["data/raw/1.tif", "data/web/1.png"], (["data/raw"], ["data/web"])),
        (["data/tiff/1.tif", "data/jpeg/1.jpg", "more/1.tif"], (["data/tiff"], ["data/jpeg"])),
        (["raw/1.tif", "raw 2/1.bmp", "web/1.png"], (["raw", "raw 2"], ["web"])),
        ([], ([], [])),
    ],
    ids=["folders", "below data", "the usual ones", "two of one side", "nothing"],
)
def test_folders_are_guessed(names, found):
    touch(*names)
    guessed = looking.guess(Path())
    assert tuple(map(sorted, guessed)) == tuple(map(sorted, found))
