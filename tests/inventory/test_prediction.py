"""`backlabel check` says what the hash stage would refuse, by the rules of the hash stage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tifffile

import workspace
from backlabel import cli, config
from backlabel.errors import DataError, SchemeError
from backlabel.stages import check
from backlabel.stages import hash as hash_stage

JPEG = Path("data/jpeg/Tips/L9_a.jpg")
TIFF = Path("data/tiff/a.tif")


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace.make(tmp_path, [("a.tif", "L9", 1)])
    next(Path("data/jpeg/Tips").iterdir()).rename(JPEG)


def findings() -> dict[str, str]:
    found = check.findings(Path("data"))
    return {str(one.path): f"{one.problem}. {one.advice}" for one in found if not one.note}


def moved(path: Path, target: str) -> str:
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    return target


def test_nothing_is_said_of_good_data():
    assert check.findings(Path("data")) == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("data/jpeg/Cats/L9_a.jpg", "no category folder 'Cats'"),
        ("data/jpeg/Tips/a.jpg", "no label prefix"),
        ("data/jpeg/Tips/L1_a.jpg", "the folder is 'Tips'"),
        ("data/jpeg/Tips/L12_a.jpg", "no prefix L12"),
        ("data/jpeg/L9_a.jpg", "no category folder"),
    ],
    ids=["unknown category", "no prefix", "disagree", "unknown prefix", "flat"],
)
def test_categories_that_the_hash_stage_refuses(target, words):
    shutil.copy(JPEG, "kept.jpg")
    moved(JPEG, target)
    (path,) = findings()
    assert path == target
    assert words in findings()[target]
    with pytest.raises(SchemeError):
        hash_stage.main(config.load())


def test_one_finding_for_all_files_with_one_problem():
    for number in range(5):
        shutil.copy(JPEG, f"data/jpeg/L9_{number}.jpg")
    assert list(findings()) == ["data/jpeg/L9_0.jpg"]
    assert "The same holds for 4 more." in findings()["data/jpeg/L9_0.jpg"]


def test_a_scheme_that_fits_is_advised():
    digit = next(
        digit
        for scheme in config.schemes()
        if scheme.name == "nffa"
        for digit, names in enumerate(scheme.categories)
        if "Tips" in names
    )
    target = moved(JPEG, f"data/jpeg/Tips/L{digit}_a.jpg")
    assert "choose it with labels=nffa" in findings()[target]


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_no_image_of_a_kind_at_all(kind):
    path = JPEG if kind == "jpeg" else TIFF
    path.rename(path.with_suffix(".png"))
    assert f"no {kind.upper()} in it" in findings()[f"data/{kind}"]
    with pytest.raises(DataError, match=f"no {kind.upper()} found"):
        hash_stage.main(config.load())


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_no_folder_of_a_kind(kind):
    shutil.rmtree(f"data/{kind}")
    assert "no such folder" in findings()[f"data/{kind}"]


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LFS, "git lfs pull"),
        (b"", "empty"),
        (b"words", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "it is PNG"),
    ],
    ids=["Git LFS", "empty", "text", "PNG"],
)
def test_content_that_reading_refuses(content, words):
    path = Path("data/tiff/b.tif")
    path.write_bytes(content)
    assert list(findings()) == [str(path)]
    assert words in findings()[str(path)]


def test_a_jpeg_that_is_named_like_a_tiff():
    shutil.copy(JPEG, "data/tiff/b.tif")
    assert "its name says TIFF, it is JPEG" in findings()["data/tiff/b.tif"]


def test_a_data_folder_may_be_a_link_as_the_docs_advise(tmp_path):
    shutil.move("data/tiff", tmp_path / "archive")
    Path("data/tiff").symlink_to(tmp_path / "archive")
    assert findings() == {}
    (note,) = check.findings(Path("data"))
    assert note.path == "data/tiff"
    assert "DVC neither keeps them" in note.problem
    (tmp_path / "archive/b.tif").write_bytes(b"words")
    assert list(findings()) == ["data/tiff/b.tif"]


def test_links_below_it_are_things_to_put_right(tmp_path):
    shutil.move("data/jpeg/Tips", tmp_path / "Tips")
    Path("data/jpeg/Tips").symlink_to(tmp_path / "Tips")
    assert set(findings()) == {"data/jpeg", "data/jpeg/Tips"}


def test_another_folder_is_looked_at_for_dvc_alone(tmp_path):
    Path("others/data").mkdir(parents=True)
    Path("others/data/a.tif").write_bytes(b"words")
    assert check.findings(Path("others")) == []


def test_without_parameters_too(tmp_path, monkeypatch):
    Path("params.yaml").unlink()
    TIFF.write_bytes(b"words")
    assert check.findings(Path("data")) == []


def test_the_command_counts_what_is_to_be_put_right(tmp_path, capsys):
    assert cli.main(["check", "data"]) == 0
    assert capsys.readouterr().out == "data: 0 things to put right before `dvc add`\n"
    TIFF.write_bytes(b"words")
    Path("data/empty").mkdir()
    assert cli.main(["check", "data"]) == 1
    said = capsys.readouterr().out
    assert "note: an empty folder" in said
    assert said.endswith("data: 1 things to put right before `dvc add`\n")


def written(count: int) -> None:
    with tifffile.TiffWriter(TIFF) as writer:
        for seed in range(count):
            writer.write(workspace.picture(seed), metadata=None)


def test_files_of_several_pictures_are_noted():
    written(3)
    notes = {str(one.path): one.problem for one in check.findings(Path("data")) if one.note}
    assert notes == {
        str(TIFF): "3 pages that may be pictures of their own",
        "data/tiff": "3 pictures in 1 files; 1 have several",
    }


def test_pages_beyond_the_limit_are_foretold():
    written(257)
    text = findings()[str(TIFF)]
    assert "pages from 257 on are not read: read.max_pages allows 256" in text
    assert "Raise that limit" in text
