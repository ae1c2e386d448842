from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from backlabel.errors import DataError
from backlabel.inventory.scanning import Inventory, Listed, scan
from backlabel.storage.rows import Passed


def passed(path: str, reason: str) -> Passed:
    return Passed(path, kind="", reason=reason, detail="")


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_an_inventory_compared_whole():
    touch("data/b.TIF", "data/a/x.jpeg", "data/notes.txt", "data/.hidden.tif", "data/._a.tif")
    Path("data/link.tif").symlink_to("b.TIF")
    assert scan(Path("data")) == Inventory(
        images=[Listed("data/a/x.jpeg", "jpeg"), Listed("data/b.TIF", "tiff")],
        skips=[
            passed("data/._a.tif", "AppleDouble"),
            passed("data/.hidden.tif", "hidden"),
            passed("data/link.tif", "symbolic link"),
            passed("data/notes.txt", "not named like an image"),
        ],
        errors=[],
    )


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.JPG", "a.jpeg", "a.jpe", "a.tif", "a.Tif", "a.tiff", "a.tif ", "...tif"]
)
def test_names_of_images(name):
    touch(f"data/{name}")
    assert [image.path for image in scan(Path("data")).images] == [f"data/{name}"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tif", "not named like an image"),
        ("a.tif.txt", "not named like an image"),
        ("a.png", "named like a PNG"),
        ("a.tif.part", "partial download"),
        ("a.tif.crdownload", "partial download"),
        ("a.tif~", "backup"),
        ("a.tif.bak", "backup"),
        ("Thumbs.db", "junk of a program"),
        ("~$a.tif", "junk of a program"),
        (".DS_Store", "hidden"),
        (".cache/a.tif", "hidden"),
        ("__MACOSX/a.tif", "AppleDouble"),
        (".dvc/config", "file of DVC or Git"),
        (".git/HEAD", "file of DVC or Git"),
        (".dvcignore", "file of DVC or Git"),
        ("a.tif.dvc", "file of DVC or Git"),
    ],
)
def test_what_is_passed_over(name, reason):
    touch(f"data/{name}")
    assert scan(Path("data")) == Inventory(skips=[passed(f"data/{name}", reason)])


def test_an_image_of_the_other_kind_is_passed_over_where_one_kind_is_asked_for():
    touch("data/a.tif", "data/b.jpg")
    inventory = scan(Path("data"), ["tiff"])
    assert inventory.images == [Listed("data/a.tif", "tiff")]
    assert inventory.skips == [passed("data/b.jpg", "named like a JPEG")]


def test_special_files_are_named_and_not_opened(monkeypatch):
    Path("data").mkdir()
    os.mkfifo("data/fifo.tif")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("data/socket.tif")
        assert scan(Path("data")).skips == [
            passed("data/fifo.tif", "FIFO"),
            passed("data/socket.tif", "socket"),
        ]


def test_links_are_never_followed():
    touch("outside/a.tif", "data/real/b.tif")
    for name, target in [("up", ".."), ("loop", "loop"), ("out", "../outside"), ("in", "real")]:
        Path("data", name).symlink_to(target)
    inventory = scan(Path("data"))
    assert [image.path for image in inventory.images] == ["data/real/b.tif"]
    assert {skip.reason for skip in inventory.skips} == {"symbolic link"}


def test_the_root_itself_may_be_a_link():
    touch("disk/a.tif")
    Path("data").symlink_to("disk")
    assert scan(Path("data")).images == [Listed("data/a.tif", "tiff")]


def test_the_current_folder_and_an_absolute_one():
    touch("a.tif")
    assert scan(Path()).images == [Listed("a.tif", "tiff")]
    assert scan(Path.cwd()).images == [Listed(f"{Path.cwd()}/a.tif", "tiff")]


def test_order_is_that_of_the_bytes():
    names = ["a.tif", "B.tif", "a b.tif", "a/c.tif", "µ.tif", "\udce9.tif"]
    touch(*(f"data/{name}" for name in names))
    paths = [os.fsencode(image.path) for image in scan(Path("data")).images]
    assert paths == sorted(paths)
    assert len(paths) == len(names)


def test_a_path_longer_than_the_system_opens_is_an_error():
    Path("data").mkdir()
    folder = os.open("data", os.O_RDONLY)
    for _ in range(18):
        os.mkdir("n" * 250, dir_fd=folder)
        folder, before = os.open("n" * 250, os.O_RDONLY, dir_fd=folder), folder
        os.close(before)
    os.close(os.open("a.tif", os.O_CREAT, dir_fd=folder))
    os.close(folder)
    path = "/".join(["data", *["n" * 250] * 18, "a.tif"])
    assert scan(Path("data")) == Inventory(errors=[passed(path, "path too long")])


@pytest.mark.usefixtures("ordinary_user")
def test_a_folder_that_may_not_be_listed_is_an_error():
    touch("data/closed/a.tif")
    assert scan(Path("data")).errors == []
    Path("data/closed").chmod(0)
    try:
        assert scan(Path("data")).errors == [passed("data/closed", "no permission")]
    finally:
        Path("data/closed").chmod(0o755)


def test_a_root_that_is_no_folder():
    touch("file")
    with pytest.raises(DataError, match="is not there"):
        scan(Path("nowhere"))
    with pytest.raises(DataError, match="folder is needed"):
        scan(Path("file"))
