"""The labelled set of the sample loads as it is, and its public variant names nobody."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from pathlib import Path, PurePosixPath

import pytest
import torch
from pyarrow import parquet

import backlabel
from backlabel.labels.card import CROISSANT, METADATA, README
from backlabel.storage import paths, tables
from backlabel.storage.rows import Labelled

pytestmark = pytest.mark.pipeline

HUGGING_FACE = """
import json, sys
from datasets import load_dataset
by_card = load_dataset("./labeled", split="train")
by_name = load_dataset("imagefolder", data_dir="labeled", data_files="**", split="train")
train = by_card.filter(lambda split: split == "train", input_columns="split")
first = by_card[0]["image"]
json.dump({
    "columns": by_card.column_names,
    "labels": by_card["label"][:],
    "splits": by_card["split"][:],
    "by_name": by_name["label"][:],
    "train": len(train),
    "size": first.size,
}, sys.stdout)
"""


def manifest(clone) -> list[Labelled]:
    return tables.read(clone.path / paths.MANIFEST, Labelled)


def test_hugging_face(reproduced, tmp_path):
    """Offline, for real; `imagefolder` takes metadata.csv for the columns."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_DATASETS_OFFLINE": "1"}
    done = reproduced.run(sys.executable, "-c", HUGGING_FACE, **offline)
    found = json.loads(done.stdout)
    rows = manifest(reproduced)
    assert found["columns"][:4] == ["image", "label", "split", "group"]
    assert sorted(found["labels"]) == sorted(row.category for row in rows)
    assert found["by_name"] == found["labels"]
    assert found["train"] == sum(row.split == "train" for row in rows)
    assert sorted(found["splits"]) == sorted(row.split for row in rows)
    assert found["size"] in [[row.width, row.height] for row in rows]


def test_torch_reads_every_file(reproduced):
    labelled = reproduced.path / "labeled"
    found = backlabel.load(labelled, checksum=True)
    rows = manifest(reproduced)
    assert found.classes == sorted({row.category for row in rows})
    assert len(found) == len(rows)
    for (picture, target), row in zip(found, rows, strict=True):
        assert found.classes[target] == row.category
        assert picture.shape == (1, row.height, row.width)
        assert picture.dtype == torch.float32
        assert 0 <= picture.min() <= picture.max() <= 1


def test_folders_hold_images_of_one_category_each(reproduced):
    """What an ImageFolder walk finds: each sub-folder a class, its files the class's images."""
    labelled = reproduced.path / "labeled"
    folders = sorted(path for path in labelled.iterdir() if path.is_dir())
    walked = {
        path.relative_to(labelled).as_posix(): folder.name
        for folder in folders
        for path in folder.rglob("*")
    }
    assert walked == {row.file: row.category for row in manifest(reproduced)}


def test_croissant_of_the_sample(reproduced):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what mlcroissant imports and calls
        import mlcroissant  # noqa: PLC0415

        found = mlcroissant.Dataset(jsonld=reproduced.path / "labeled" / CROISSANT)
        files = [row["files/file"].decode() for row in found.records("files")]
    assert found.metadata.ctx.issues.errors == set()
    assert found.metadata.ctx.issues.warnings == set()
    assert files == [row.file for row in manifest(reproduced)]


def test_no_group_lies_in_two_splits(reproduced):
    rows = manifest(reproduced)
    for attribute in ("group", "JPEG_sha256", "sha256"):
        places = {(getattr(row, attribute), row.split) for row in rows}
        assert len(places) == len({value for value, _ in places})
    folders = {(str(PurePosixPath(row.TIFF_path).parent), row.split) for row in rows}
    assert len(folders) == len({folder for folder, _ in folders})


def test_instrument_metadata_of_the_sample(reproduced):
    taken = {Path(row.TIFF_path).name: row for row in manifest(reproduced)}
    zeiss = taken["125nm_03.tif"]
    assert (zeiss.pixel_size_nm, zeiss.instrument, zeiss.acquired) == (
        *(35.03, "Merlin"),
        "2020-01-29T12:13:05",
    )
    assert taken["D1_20x_sem.tiff"].pixel_size_nm is None


@pytest.fixture(scope="module")
def public(reproduced, tmp_path_factory):
    clone = reproduced.copy(tmp_path_factory.mktemp("public") / "backlabel")
    clone.run("dvc", "exp", "run", "-S", "label.public=true", "label")
    return clone


def texts(folder: Path) -> dict[str, str]:
    """Every file below `folder` but the TIFFs, as text."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            found[path.name] = json.dumps(parquet.read_table(path).to_pylist(), ensure_ascii=False)
        elif path.is_file() and path.suffix != ".tif":
            found[path.name] = path.read_text(encoding="utf-8")
    return found


def test_public_variant_names_nobody(reproduced, public):
    private = manifest(reproduced)
    people = {row.operator for row in private if row.operator}
    folders = {
        part
        for row in private
        for part in PurePosixPath(row.TIFF_path).relative_to("data/tiff").parts[:-1]
        # The name of a file is published with it.
        if not any(part in PurePosixPath(other.TIFF_path).name for other in private)
    }
    assert {"SABINE", "LGUNIAT"} <= people
    assert {"DeMarcoLab", "RickGummy", "old stuff"} <= folders
    before, after = texts(reproduced.path / "labeled"), texts(public.path / "labeled")
    assert all(name in before["manifest.csv"] for name in people | folders)
    assert {"manifest.csv", "manifest.parquet", CROISSANT, METADATA, README} <= after.keys()
    for file, text in after.items():
        assert [name for name in people | folders if name in text] == [], file


def test_public_variant_is_otherwise_the_same(reproduced, public):
    for private, published in zip(manifest(reproduced), manifest(public), strict=True):
        assert private.file == published.file
        assert private.sha256 == published.sha256
        assert private.split == published.split
        assert published.TIFF_path == Path(private.TIFF_path).name
        tiff = (public.path / "labeled" / private.file).read_bytes()
        assert tiff == (reproduced.path / "labeled" / private.file).read_bytes()


def test_metadata_csv_names_files_as_they_are(reproduced):
    with (reproduced.path / "labeled" / METADATA).open(newline="") as file:
        named = [row["file_name"] for row in csv.DictReader(file)]
    tiffs = (reproduced.path / "labeled").rglob("*.tif")
    found = [path.relative_to(reproduced.path / "labeled").as_posix() for path in tiffs]
    assert sorted(named) == sorted(found)
