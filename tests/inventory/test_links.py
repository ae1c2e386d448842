"""Links into DVC's own cache are data; all others are refused. With real DVC repositories."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import workspace
from backlabel import config, images
from backlabel.errors import UnreadableImageError
from backlabel.hashing.cache import HashCache
from backlabel.hashing.file import hash_file
from backlabel.inventory import links
from backlabel.inventory.files import Listed
from backlabel.inventory.links import cached_file
from backlabel.inventory.scanning import scan
from backlabel.labels.copies import Link, make
from backlabel.stages import check
from backlabel.stages import hash as hash_stage
from backlabel.storage import paths, tables
from backlabel.storage.rows import JpegHash, Passed, TiffHash

pytestmark = pytest.mark.slow

PAIRS = [("x/m 1.tif", "L9", 1), ("y/m 1.tif", "L1", 2)]
TIFF = Path("data/tiff/x/m 1.tif")


def dvc(*arguments: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DVC_")
    } | {"DVC_NO_ANALYTICS": "1", "HOME": str(Path.cwd().parent)}
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, check=True, env=environment, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a DVC repository whose data are links to its cache, once for each place.

    DVC takes a second of a core for its commands. Not to be changed: copy it.
    """

    @functools.cache
    def by_dvc(*where: str) -> Path:
        root = tmp_path_factory.mktemp("made") / "repository"
        workspace.make(root, PAIRS)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            dvc("init", "--no-scm", "-q")
            dvc("config", "cache.type", "symlink")
            if where:
                dvc("cache", "dir", *where)
            dvc("add", "-q", "data")
        return root.parent

    return by_dvc


@pytest.fixture
def repository(made, tmp_path, monkeypatch, request) -> Path:
    """A copy, with links into its own cache."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    template, root = made(*getattr(request, "param", ())), tmp_path / "repository"
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    for path in (root / "data").rglob("*"):
        if path.is_symlink():
            target = tmp_path / path.readlink().relative_to(template)
            path.unlink()
            path.symlink_to(target)
    monkeypatch.chdir(root)
    assert TIFF.is_symlink()
    links._caches.cache_clear()
    return root


ELSEWHERE = [(), ("../shared cache",), ("--local", "../local")]


@pytest.mark.parametrize(
    "repository", ELSEWHERE, ids=["own cache", "shared", "local"], indirect=True
)
def test_the_hash_stage_finds_all(repository):
    hash_stage.main(config.load())
    assert len(tables.read(paths.TIFF_HASHES, TiffHash)) == len(PAIRS)
    assert len(tables.read(paths.JPEG_HASHES, JpegHash)) == len(PAIRS)
    assert tables.read(paths.SKIPPED, Passed) == []


@pytest.mark.usefixtures("repository")
def test_check_does_not_mind_them():
    assert check.findings(Path("data")) == []


@pytest.mark.usefixtures("repository")
def test_untouched_ones_are_known_again(monkeypatch):
    from backlabel.hashing import identity  # noqa: PLC0415

    later = TIFF.stat().st_mtime + 60
    monkeypatch.setattr(identity.time, "time", lambda: later)
    cache = HashCache(Path("cache"), {})
    found = hash_file(Listed(str(TIFF), "tiff"), limits=images.Limits(), cache=cache)
    cache.keep([found])
    assert cache.known(TIFF, "tiff").content == found.content


@pytest.mark.parametrize("link", Link)
@pytest.mark.usefixtures("repository")
def test_a_labelled_copy_is_a_file_of_its_own(link):
    make(TIFF, Path("copy.tif"), link=link, max_bytes=1 << 20)
    assert not Path("copy.tif").is_symlink()
    assert Path("copy.tif").read_bytes() == TIFF.read_bytes()


@pytest.mark.usefixtures("repository")
def test_from_another_folder_too(tmp_path, monkeypatch):
    path = TIFF.absolute()
    monkeypatch.chdir(tmp_path)
    assert images.read(path).grey.shape == (96, 128)


@pytest.mark.usefixtures("repository")
def test_in_a_temporary_checkout_the_main_repository_counts(tmp_path, monkeypatch):
    main = Path.cwd()
    checkout = tmp_path / "temporary"
    (checkout / ".dvc").mkdir(parents=True)
    (checkout / "a.tif").symlink_to(os.path.realpath(TIFF))
    monkeypatch.chdir(checkout)
    assert cached_file(Path("a.tif")) is None
    monkeypatch.setenv("DVC_ROOT", str(main))
    assert cached_file(Path("a.tif")) == Path(os.path.realpath(main / TIFF))


def refused(path: Path) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        images.read(path)
    return caught.value.reason


@pytest.mark.usefixtures("repository")
def test_other_links_stay_refused(tmp_path):
    outside = tmp_path / "outside.tif"
    outside.write_bytes(TIFF.read_bytes())
    foreign = tmp_path / "foreign/.dvc/cache/files/md5/ab" / ("c" * 30)
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(TIFF.read_bytes())
    beside = Path(".dvc/cache/files/md5x/ab") / ("c" * 30)
    inside = Path(".dvc/cache/files/md5/ab/no digest")
    for path in (beside, inside):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TIFF.read_bytes())
    targets = [outside, foreign, beside.absolute(), inside.absolute(), Path(".dvc").absolute()]
    for number, target in enumerate([*targets, Path("nowhere"), Path("5.tif")]):
        link = Path(f"data/tiff/{number}.tif")
        link.symlink_to(target)
        assert cached_file(link) is None
        assert refused(link) == "link"
    found = scan(Path("data/tiff"))
    assert {skip.reason for skip in found.skips} == {"symbolic link"}
    assert len(found.images) == len(PAIRS)


@pytest.mark.usefixtures("repository")
def test_a_repository_inside_the_data_names_no_cache_of_its_own(tmp_path):
    foreign = tmp_path / "foreign/files/md5/ab" / ("c" * 30)
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(TIFF.read_bytes())
    nested = Path("data/tiff/nested")
    (nested / ".dvc").mkdir(parents=True)
    (nested / ".dvc/config").write_text(f"[cache]\n    dir = {tmp_path / 'foreign'}\n")
    (nested / "a.tif").symlink_to(foreign)
    assert refused(nested / "a.tif") == "link"


@pytest.mark.usefixtures("repository")
def test_what_is_no_file_in_the_cache_is_refused():
    fifo = Path(".dvc/cache/files/md5/ab") / ("c" * 30)
    fifo.parent.mkdir(exist_ok=True)
    os.mkfifo(fifo)
    Path("data/tiff/fifo.tif").symlink_to(fifo.absolute())
    assert refused(Path("data/tiff/fifo.tif")) == "not a file"
    assert [one.reason for one in scan(Path("data/tiff")).skips] == ["symbolic link"]


@pytest.mark.usefixtures("repository")
def test_a_link_that_is_changed_while_it_is_read():
    with (
        pytest.raises(UnreadableImageError, match="changed"),
        images.opened(TIFF, max_bytes=1 << 20) as source,
    ):
        source.read(0, 8)
        other = os.path.realpath("data/tiff/y/m 1.tif")
        TIFF.unlink()
        TIFF.symlink_to(other)


@pytest.mark.parametrize(
    "text",
    [
        "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://x\n",
        '[cache]\n    dir = "../../there"\n    type = symlink\n',
        "[cache]\ndir = ../../there\n",
        "no configuration at all",
    ],
)
def test_configurations_as_dvc_writes_them_or_not(tmp_path, text):
    (tmp_path / "a/.dvc").mkdir(parents=True)
    (tmp_path / "a/.dvc/config").write_text(text)
    there = str(tmp_path / "there/files/md5")
    assert (there in links._caches(tmp_path / "a")) == ("there" in text)
    assert str(tmp_path / "a/.dvc/cache/files/md5") in links._caches(tmp_path / "a")
