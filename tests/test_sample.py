"""The script that builds the sample: what it writes, that it writes it again, and nowhere else."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, JpegImagePlugin

import sample
from backlabel.storage import files, tables
from backlabel.storage.rows import TruePair

ROOT = Path(__file__).resolve().parents[1]

HEIGHT, WIDTH = 96, 128
ORIGINALS = {
    "dvtxc__test.tif": "Fibres",
    "dvtxc__test2__half.tif": "Fibres",
    "Mumrah213__13__half.tif": "Nanowires",
    "Mumrah213__22__half.tif": "Nanowires",
    "Mumrah213__4__half.tif": "Nanowires",
    "Martin09__140nm_10_cropped__half.tif": "Nanowires",
    "Martin09__125nm_03_cropped.tif": "Nanowires",
    "rccohn__Sc4Tile_002-008-000_0-000__half.tif": "Powder",
    "RickGummy__C10-1_B_m05__half.tif": "Biological",
    "dvtxc__sample.01_img08__half.tif": "Fibres",
    "fleathlushby__ic_layers.tif": "MEMS_devices_and_electrodes",
}
"""Names that the script treats in every way it knows, with their published categories."""
SIXTEEN_BIT = "tiff/Martin09/old stuff/NWs #8k Mag/140nm_10_cropped.tif"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_sample", ROOT / "scripts/build_sample.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its annotations are looked up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "originals"
    folder.mkdir()
    columns = ["file", "how", "category", "licence", "repository", "commit", "original_path"]
    with (folder.parent / "SOURCES.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for seed, (name, category) in enumerate(ORIGINALS.items()):
            grey = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
            grey[0, :2] = 0, 255
            tifffile.imwrite(folder / name, grey, metadata=None)
            writer.writerow([name, "byte-exact", category, "MIT", "a/b", "0" * 40, name])
    return folder


@pytest.fixture(scope="module")
def built(script, originals, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "data"
    script.build(originals, out, originals.parent / "SOURCES.csv")
    return out


def digests(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): files.md5(path) for path in found}


def the_pair(built: Path, how: str) -> TruePair:
    return next(pair for pair in tables.read(built / "truth.csv", TruePair) if pair.how == how)


def test_a_second_build_has_the_same_bytes(script, originals, built, tmp_path):
    script.build(originals, tmp_path / "again", originals.parent / "SOURCES.csv")
    assert digests(tmp_path / "again") == digests(built)


def test_a_folder_with_something_in_it_is_left_alone(script, originals, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit, match="not empty"):
        script.build(originals, tmp_path, originals.parent / "SOURCES.csv")
    assert digests(tmp_path).keys() == {"mine.txt"}


def test_tiffs_are_the_originals_but_for_the_deep_one(originals, built):
    contents = {files.md5(path) for path in originals.iterdir()}
    changed = [
        name
        for name, digest in digests(built).items()
        if name.startswith("tiff/") and digest not in contents
    ]
    assert changed == [SIXTEEN_BIT]


def test_the_deep_tiff_keeps_the_original_in_its_upper_bits(originals, built):
    deep = tifffile.imread(built / SIXTEEN_BIT)
    grey = tifffile.imread(originals / "Martin09__140nm_10_cropped__half.tif")
    assert deep.dtype == np.uint16
    assert deep.max() > 255
    np.testing.assert_array_equal(deep >> 4, grey)


def test_the_deep_tiff_says_neither_when_nor_by_what_it_was_written(built):
    with tifffile.TiffFile(built / SIXTEEN_BIT) as tiff:
        assert {"DateTime", "Software"}.isdisjoint(tag.name for tag in tiff.pages[0].tags)


def test_the_jpeg_of_the_deep_tiff_is_scaled_by_the_range_and_not_clipped(built):
    pair = next(p for p in tables.read(built / "truth.csv", TruePair) if "140nm" in p.TIFF_path)
    with Image.open(built.parent / pair.JPEG_path) as image:
        grey = np.asarray(image.convert("L"), np.float64)
    deep = tifffile.imread(built / SIXTEEN_BIT)
    assert np.abs(grey - deep / deep.max() * 255).mean() < 2


def test_equal_names_stand_in_two_folders_with_other_contents(built):
    first, second = sorted(built.rglob("001.tif"))
    assert first.parent != second.parent
    assert first.read_bytes() != second.read_bytes()


def test_jpegs_are_named_by_their_bytes_and_lie_in_the_folder_of_their_prefix(built):
    prefixes = {
        "Biological": "L0",
        "Fibres": "L1",
        "Films": "L2",
        "MEMS": "L3",
        "Nanowires": "L4",
        "Powder": "L8",
    }
    jpegs = sorted((built / "jpeg").rglob("*.*"))
    expected = [f"{prefixes[path.parent.name]}_{files.md5(path)}.jpg" for path in jpegs]
    assert [path.name for path in jpegs] == expected


def test_jpegs_are_rgb_at_half_the_chroma_without_metadata(built):
    for path in (built / "jpeg").rglob("*.jpg"):
        with Image.open(path) as image:
            assert image.mode == "RGB"
            assert JpegImagePlugin.get_sampling(image) == 2, "4:2:0"
            assert not image.getexif()


@pytest.mark.parametrize(
    ("how", "first_step"),
    # Table K.1 of ITU-T T.81 begins with 16; libjpeg scales it by 200 - 2q per cent, at least to 1.
    [("quality 100", 1), ("quality 90", 3), ("quality 75", 8)],
)
def test_the_quality_is_the_one_that_the_truth_names(built, how, first_step):
    with Image.open(built.parent / the_pair(built, how).JPEG_path) as image:
        assert image.quantization[0][0] == first_step


@pytest.mark.parametrize(
    ("how", "size"),
    [("half size", (64, 48)), ("databar cut off", (128, 85))],  # 90 of 768 rows: 11 of 96
)
def test_the_size_is_the_one_that_the_truth_names(built, how, size):
    with Image.open(built.parent / the_pair(built, how).JPEG_path) as image:
        assert image.size == size


def test_truth_holds_the_tiffs_that_were_published_and_no_other(built):
    pairs = tables.read(built / "truth.csv", TruePair)
    tiffs = {f"data/{name}" for name in digests(built) if name.startswith("tiff/")}
    assert {pair.TIFF_path for pair in pairs} == {
        name for name in tiffs if "125nm_03_cropped" not in name
    }
    assert len({pair.JPEG_path for pair in pairs}) == len(pairs) == 9


def test_a_jpeg_without_its_tiff_is_in_no_true_pair(built):
    (powder,) = (built / "jpeg/Powder").iterdir()
    pairs = tables.read(built / "truth.csv", TruePair)
    assert powder.name not in {Path(pair.JPEG_path).name for pair in pairs}
    assert not (built / "tiff/rccohn").exists()


def test_sources_list_every_image_with_its_size(script, built):
    listed = {row.path: row.bytes for row in tables.read(built / "SOURCES.csv", script.Source)}
    images = [path for kind in ("tiff", "jpeg") for path in (built / kind).rglob("*.*")]
    there = {
        f"data/{path.relative_to(built).as_posix()}": path.stat().st_size
        for path in images
        if path.is_file()
    }
    assert listed == there


def test_the_published_copies_of_the_sample_are_what_the_script_makes(script, tmp_path):
    """The originals without a TIFF in the sample are not here: their three JPEGs are left out."""
    truth = tmp_path / "truth.csv"
    truth.write_bytes(sample.files(("truth.csv",))["truth.csv"].read_bytes())
    tiffs = sample.tiffs()
    for_people = {one.how: one for one in script.FOR_PEOPLE if one.is_pair}
    for pair in tables.read(truth, TruePair, optional=["page"]):
        tiff = tiffs[pair.TIFF_path.removeprefix("data/")]
        if pair.how in for_people:
            copy = for_people[pair.how]
            picture, quality = script._changed(tiff, copy), copy.quality
        else:
            picture, quality = script._published(tiff, pair.how), script._quality(pair.how)
        made = script._write_jpeg(picture, quality, pair.category, tmp_path)
        assert f"data/{made.relative_to(tmp_path).as_posix()}" == pair.JPEG_path
