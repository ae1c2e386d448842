"""Stages hash and compare on originals of the sample whose copies are parts of them."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from published_parts import (
    BEETLE,
    STEEL,
    WIRES,
    cropped_and_reduced,
    figure,
    jpeg,
    original,
    quadrant,
)
from ruamel.yaml import YAML

import sample
from backlabel import composing, config
from backlabel.parts import left_over
from backlabel.stages import compare
from backlabel.stages import hash as hashing
from backlabel.storage import paths, tables
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.rows import JpegHash, Match, Verdict
from backlabel.workers.pool import Workers

pytestmark = pytest.mark.slow

CONF = Path(__file__).parents[2] / "conf"


def checked(**changes: object) -> config.Params:
    values = YAML(typ="safe", pure=True).load(composing.compose(CONF))
    values["hash"]["workers"] = 1
    values["read"]["max_seconds"] = 600  # the plain chain takes long where a machine is busy
    values["compare"] |= changes
    return config.check(values, "test")


def publish(root: Path, folder: str, name: str, image: Image.Image) -> str:
    path = root / "data/jpeg" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(image))
    return path.name


@pytest.fixture(scope="module")
def hashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder in which stage hash has run, and the JPEGs by what they show. Copy it."""
    root = tmp_path_factory.mktemp("parts")
    for name, path in (("beetle", BEETLE), ("steel", STEEL), ("wires", WIRES)):
        target = root / "data/tiff" / f"{name}.tif"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.tiffs()[path], target)
    shown = {
        "figure": publish(
            root, "Biological", "L0_figure.jpg", figure(original(BEETLE), original(STEEL))
        ),
        "wires": publish(root, "Nanowires", "L4_wires.jpg", cropped_and_reduced(original(WIRES))),
        "corner": publish(root, "Nanowires", "L4_corner.jpg", quadrant(original(WIRES))),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        hashing.main(checked())
    return root, shown


@pytest.fixture
def matches(hashed, tmp_path, monkeypatch):
    """Runs compare in a copy of `hashed` and gives the rows of its mapping by TIFF."""
    shutil.copytree(hashed[0], tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")

    def run(**changes):
        compare.main(checked(**changes))
        rows = tables.read(paths.mapping_path(None), Match)
        return {row.TIFF_file.removesuffix(".tif"): row for row in rows}

    return run


def test_parts_are_labelled_and_say_where_they_are(matches, hashed) -> None:
    found, shown = matches(), hashed[1]
    assert {name: (row.verdict, row.label) for name, row in found.items()} == {
        "beetle": (Verdict.MATCHED, "L0"),
        "steel": (Verdict.MATCHED, "L0"),
        "wires": (Verdict.MATCHED, "L4"),
    }
    assert found["beetle"].JPEG_file == found["steel"].JPEG_file == shown["figure"]
    left, right = (found[name].JPEG_box.split() for name in ("beetle", "steel"))
    assert int(left[0]) + int(left[2]) < int(right[0])
    assert found["beetle"].variant == "part"
    assert found["beetle"].TIFF_covered == pytest.approx(1, abs=0.01)
    assert found["beetle"].JPEG_covered < 0.7
    near = tables.read(paths.candidates_path(None), CandidateRow)
    assert sum(row.accepted for row in near) == 4  # both panels, and both parts of one original


def test_without_the_variant_none_is_found(matches) -> None:
    rows = matches(variants=["identity"])
    assert {row.verdict for row in rows.values()} == {Verdict.NO_CANDIDATE}


def test_a_small_part_is_for_a_person_to_decide(matches) -> None:
    row = matches(min_part_share=0.9)["wires"]
    assert row.verdict is Verdict.AMBIGUOUS
    assert "90% is needed" in row.reason


def test_what_was_found_is_kept(matches, monkeypatch) -> None:
    before = matches()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a worker was asked")

    monkeypatch.setattr(Workers, "map", refuse)
    assert matches() == before


def test_the_plain_chain_finds_the_same(matches) -> None:
    fast, plain = matches(), matches(engine="reference")
    for name, row in fast.items():
        other = plain[name]
        assert (other.verdict, other.JPEG_box, other.TIFF_box) == (
            row.verdict,
            row.JPEG_box,
            row.TIFF_box,
        )
        assert other.explained == pytest.approx(row.explained, abs=1e-2)


def test_opencv_waits_until_something_is_left_over() -> None:
    code = (
        "import sys, backlabel.stages.compare\n"
        "sys.exit(any(name in sys.modules for name in ('cv2', 'faiss', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_jpegs_without_information_come_last(hashed, monkeypatch) -> None:
    monkeypatch.chdir(hashed[0])
    rows = tables.read(paths.JPEG_HASHES, JpegHash)
    flat = dataclasses.replace(rows[0], information="flat")
    settings = compare.settings(config.load(sample.ROOT / "params.yaml"))
    assert left_over.ordered([flat, *rows[1:]], settings) == [*rows[1:], flat]
