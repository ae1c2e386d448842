"""`backlabel.load`: a torch Dataset over a labelled set as it lies on disk."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from torch.utils.data import DataLoader

import backlabel
from backlabel.errors import DataError, TableError

DEEP = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1300 + 500
SHALLOW = (np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)[::-1].copy()
FILES = {
    "Films/L2_one.tif": ("train", DEEP),
    "Films/L2_two.tif": ("test", SHALLOW),
    "Tips/L9_=a b.tif": ("train", SHALLOW),
    "Biological/L0_x.tif": ("val", SHALLOW),
}


@pytest.fixture
def labelled(tmp_path):
    """A labelled set of four files and a manifest with more columns than `load` reads."""
    folder = tmp_path / "labeled"
    rows = []
    for file, (split, pixels) in FILES.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, pixels, metadata=None)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append([file, file.partition("/")[0], "L?", split, digest, "more"])
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["file", "category", "label", "split", "sha256", "later"], *rows])
    return folder


def test_a_split(labelled):
    found = backlabel.load(labelled, split="train")
    assert isinstance(found, torch.utils.data.Dataset)
    assert len(found) == 2
    assert found.classes == ["Biological", "Films", "Tips"]
    assert found.targets == [1, 2]
    picture, target = found[0]
    assert target == found.class_to_idx["Films"]
    assert picture.dtype == torch.float32
    assert picture.shape == (1, 6, 8)


def test_sixteen_bits_keep_their_depth(labelled):
    picture, _ = backlabel.load(labelled, split="train")[0]
    expected = torch.arange(48).reshape(1, 6, 8) / 47
    torch.testing.assert_close(picture, expected)
    assert len(picture.unique()) == 48


def test_eight_bits_are_255ths(labelled):
    picture, _ = backlabel.load(labelled, split="test")[0]
    np.testing.assert_array_equal((picture * 255).round().numpy()[0], SHALLOW)


def test_all_splits(labelled):
    found = backlabel.load(str(labelled))
    assert len(found) == 4
    parts = [backlabel.load(labelled, split=name) for name in ("train", "val", "test")]
    files = [item.file for part in parts for item in part.items]
    assert sorted(files) == sorted(FILES)
    assert {tuple(part.classes) for part in parts} == {tuple(found.classes)}


def test_digest_names_the_manifest(labelled):
    expected = hashlib.sha256((labelled / "manifest.csv").read_bytes()).hexdigest()
    assert backlabel.load(labelled).digest == expected


def test_batches(labelled):
    loader = DataLoader(backlabel.load(labelled), batch_size=4)
    (pictures, targets), *rest = loader
    assert rest == []
    assert pictures.shape == (4, 1, 6, 8)
    assert targets.tolist() == [1, 1, 2, 0]


def test_transform(labelled):
    found = backlabel.load(labelled, transform=lambda picture: picture.mean())
    assert found[0][0].shape == ()


def flip_last_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_checksum_names_a_changed_file(labelled):
    flip_last_byte(labelled / "Films/L2_one.tif")
    assert backlabel.load(labelled, split="train")[0][0].shape == (1, 6, 8)
    checked = backlabel.load(labelled, split="train", checksum=True)
    with pytest.raises(DataError, match=r"L2_one\.tif: is not the file that was labelled"):
        checked[0]
    assert checked[1][0].shape == (1, 6, 8)


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_file_that_cannot_be_read_is_named(labelled, damage):
    path = labelled / "Films/L2_one.tif"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"L2_one\.tif: cannot be read"):
        backlabel.load(labelled, split="train")[0]


def test_unknown_split_names_those_that_are_there(labelled):
    told = r"no split 'validation'; it has test \(1 files\), train \(2 files\), val \(1 files\)"
    with pytest.raises(DataError, match=told):
        backlabel.load(labelled, split="validation")


@pytest.mark.parametrize("folder", ["nowhere", "labeled/Films", "labeled/manifest.csv"])
def test_no_labelled_set(labelled, folder):
    with pytest.raises(DataError, match="dvc pull labeled"):
        backlabel.load(labelled.parent / folder)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("file,category,sha256\n", "no column 'split'"),
        ("file,category,split,sha256\nFilms/a.tif,Films\n", "torn"),
        ("\n", "no column 'file'"),
        ("file,category,split,sha256\n/etc/passwd,Films,train,00\n", "/etc/passwd leads out"),
        ("file,category,split,sha256\nFilms/../../a.tif,Films,train,00\n", "leads out"),
        ("file,category,split,sha256\n\\x2e./a.tif,Films,train,00\n", "leads out"),
        ("file,category,split,sha256\n\\q,Films,train,00\n", "backslash"),
    ],
)
def test_a_torn_manifest(labelled, text, complaint):
    (labelled / "manifest.csv").write_text(text)
    with pytest.raises(TableError, match=complaint):
        backlabel.load(labelled)


def test_an_empty_manifest(labelled):
    (labelled / "manifest.csv").write_text("")
    with pytest.raises(DataError, match="no bytes"):
        backlabel.load(labelled)


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("linked", ["Films/L2_one.tif", "Films"])
def test_links_are_not_followed_out_of_the_set(labelled, tmp_path, linked, checksum):
    (labelled / linked).rename(tmp_path / "elsewhere")
    (labelled / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"L2_one\.tif: cannot be read \(link"):
        backlabel.load(labelled, split="train", checksum=checksum)[0]


def test_a_manifest_that_is_a_link_is_not_followed(labelled, tmp_path):
    (labelled / "manifest.csv").rename(tmp_path / "manifest.csv")
    (labelled / "manifest.csv").symlink_to(tmp_path / "manifest.csv")
    with pytest.raises(DataError, match="link"):
        backlabel.load(labelled)


def test_a_set_that_is_a_link_itself_is_one(labelled, tmp_path):
    (tmp_path / "link").symlink_to(labelled)
    assert backlabel.load(tmp_path / "link")[0][0].shape == (1, 6, 8)


def test_what_it_is_called_in_a_notebook(labelled):
    found = backlabel.load(labelled, split="train")
    assert repr(found) == (
        f"<LabelledSet '{labelled}', split train: 2 files of 2 of 3 classes, "
        f"digest {found.digest[:12]}>"
    )


def test_importing_backlabel_is_light():
    code = "import sys, backlabel; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="no attribute 'lood'"):
        backlabel.lood  # noqa: B018


def find_classes(folder):
    """What torchvision.datasets.folder documents: sub-folders by name, numbered in that order."""
    found = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    return found, {name: number for number, name in enumerate(found)}


def test_folders_are_classes_as_in_torchvision(labelled):
    """Its rule is written out; tests/pipeline/test_image_folder.py asks torchvision itself."""
    found = backlabel.load(labelled)
    classes, numbers = find_classes(labelled)
    assert (found.classes, found.class_to_idx) == (classes, numbers)
    by_folder = {
        path.relative_to(labelled).as_posix(): numbers[name]
        for name in classes
        for path in (labelled / name).rglob("*.tif")
    }
    items = [item.file for item in found.items]
    assert dict(zip(items, found.targets, strict=True)) == by_folder
