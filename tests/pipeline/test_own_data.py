"""One's own data, and what is said when it is not there or not as it should be."""

from __future__ import annotations

import re
import shutil

import pytest

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def without_data(known, tmp_path_factory):
    """A clone whose sample data has been put away, beside it. Copy it."""
    clone = known.copy(tmp_path_factory.mktemp("own") / "clone")
    clone.run("dvc", "remove", "data.dvc")
    (clone.path / "data").rename(clone.path.with_name("sample"))
    return clone


@pytest.fixture
def own(without_data, tmp_path):
    clone = without_data.copy(tmp_path / "clone")
    clone.sample = without_data.path.with_name("sample")
    return clone


def take(clone, *folders):
    for folder in folders:
        shutil.copytree(clone.sample / folder, clone.path / "data" / folder)


def repro(clone):
    clone.run("dvc", "add", "data")
    done = clone.run("dvc", "repro", check=False)
    return done.returncode, done.stdout + done.stderr


def test_own_images(own):
    take(own, "jpeg/Nanowires", "tiff/Martin09", "tiff/Mumrah213")
    status, told = repro(own)
    assert status == 0, told
    folders = {path.name for path in (own.path / "labeled").iterdir() if path.is_dir()}
    assert folders == {"Nanowires"}


def test_imported_folder(own):
    take(own, "jpeg/Nanowires")
    elsewhere = str(own.sample / "tiff/Martin09")
    own.run("dvc", "import-url", "--no-download", elsewhere, "data/tiff", check=False)
    own.run("dvc", "import-url", "-f", elsewhere, "data/tiff")
    own.run("dvc", "add", "data/jpeg")
    done = own.run("dvc", "repro", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (own.path / "labeled/Nanowires").is_dir()


def test_folders_that_are_missing_or_empty(own):
    def refused():
        done = own.run("backlabel", "hash", check=False)
        assert done.returncode != 0
        return done.stderr

    take(own, "tiff/Mumrah213")
    assert "data/jpeg: no such folder" in refused()
    shutil.rmtree(own.path / "data/tiff")
    take(own, "jpeg/Tips")
    assert "data/tiff: no such folder" in refused()
    (own.path / "data/tiff/notes").mkdir(parents=True)
    (own.path / "data/tiff/notes/readme.txt").write_text("nothing here")
    assert "data/tiff: no TIFF found; looked for .tif, .tiff" in refused()


def test_prefix_that_the_scheme_lacks(own):
    take(own, "jpeg/Tips", "tiff/Mumrah213")
    jpeg = next((own.path / "data/jpeg/Tips").glob("*.jpg"))
    jpeg.rename(jpeg.with_name(f"L12_{jpeg.name[3:]}"))
    status, told = repro(own)
    assert status != 0
    assert "has no prefix L12" in told


def test_data_that_is_not_pulled_yet(known, tmp_path):
    clone = known.copy(tmp_path / "clone")
    shutil.rmtree(clone.path / "data")
    done = clone.run("backlabel", "check", "data", check=False)
    assert done.returncode != 0
    assert "`dvc pull data.dvc` fetches it" in done.stderr


def test_downloaded_archive_without_git(known, tmp_path):
    clone = known.copy(tmp_path / "clone")
    shutil.rmtree(clone.path / ".git")
    done = clone.run("backlabel", "repair", check=False, GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert done.returncode != 0
    command = re.search("`(dvc config [^`]+)`", done.stderr)[1]
    clone.run(*command.split())
    clone.run("backlabel", "repair")
    clone.run("dvc", "repro")
    assert (clone.path / "labeled/manifest.csv").exists()


def test_missing_data_folder(own):
    done = own.run("dvc", "repro", check=False)
    assert done.returncode != 0
    assert "data" in done.stderr
