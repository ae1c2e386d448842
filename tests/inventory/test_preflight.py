from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from backlabel.inventory.preflight import check


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/a.tif").write_bytes(b"x")
    return Path("data")


def problems(root: Path) -> dict[str, str]:
    found = check(root)
    assert all(finding.advice for finding in found)
    return {finding.path: finding.problem for finding in found}


def test_ordinary_data_are_fine(data):
    (data / "Müller, Anna").mkdir()
    (data / "Müller, Anna" / "b c.tif").write_bytes(b"x")
    assert check(data) == []


def test_what_dvc_add_itself_writes_is_fine(data):
    (data / ".gitignore").write_text("/tiff\n")
    (data / "tiff.dvc").write_text("outs: []\n")
    assert check(data) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sub/.dvcignore", "leave files out"),
        ("sub/.gitignore", "hide"),
        ("sub/dvc.yaml", "another DVC project"),
        ("sub/a.tif.dvc", "another DVC project"),
        ("\udce9.tif", "not valid UTF-8"),
        ("A.tif", "the same as that of"),
    ],
)
def test_files_that_dvc_drops_changes_or_stops_at(data, name, words):
    path = data / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    found = problems(data)
    assert len(found) == 1
    assert words in next(iter(found.values()))


def test_a_repository_inside_is_reported_once(data):
    (data / "sub" / ".dvc" / "cache").mkdir(parents=True)
    (data / "sub" / ".dvc" / "config").write_text("")
    assert list(problems(data)) == ["data/sub/.dvc"]
    assert "leaves out the folder" in problems(data)["data/sub/.dvc"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere.tif", "leads nowhere"),
        ("link.tif", "leads nowhere or in a circle"),
        ("a.tif", "a copy of that file"),
        ("..", "DVC leaves it out without a word"),
    ],
)
def test_links(data, target, words):
    (data / "link.tif").symlink_to(target)
    assert words in problems(data)["data/link.tif"]


def test_pipes_and_sockets(data):
    os.mkfifo(data / "pipe.tif")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(data / "socket.tif"))
        found = problems(data)
    assert "wait for it for ever" in found["data/pipe.tif"]
    assert "a socket" in found["data/socket.tif"]


def test_an_empty_folder(data):
    (data / "empty").mkdir()
    assert problems(data) == {"data/empty": "an empty folder; DVC keeps files only"}


@pytest.mark.usefixtures("ordinary_user")
def test_a_file_that_may_not_be_read():
    path = Path("data/a.tif")
    path.parent.mkdir()
    path.write_bytes(b"x")
    assert problems(path.parent) == {}
    path.chmod(0)
    assert "may not read" in problems(path.parent)["data/a.tif"]


def test_findings_are_in_the_order_of_their_paths(data):
    for name in ("z", "b", "m"):
        (data / name).mkdir()
    assert list(problems(data)) == ["data/b", "data/m", "data/z"]
