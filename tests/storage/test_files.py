"""Files appear whole or not at all, and locks hold."""

from __future__ import annotations

import pytest

from backlabel.errors import OutputError
from backlabel.storage import files


def test_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), files.atomic_write(target) as file:
        file.write("new")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"file/a\.txt"),
        files.atomic_write(tmp_path / "file" / "a.txt"),
    ):
        pass


def test_second_lock_is_refused(tmp_path):
    with (
        files.lock(tmp_path / "a.lock"),
        pytest.raises(OutputError, match="another backlabel process"),
        files.lock(tmp_path / "a.lock"),
    ):
        pass


def test_nan_is_refused_in_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})


def test_digests(tmp_path):
    # RFC 1321 and FIPS 180-2 give these for "abc".
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.md5(tmp_path / "abc") == "900150983cd24fb0d6963f7d28e17f72"
    assert files.sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_shared_root_is_the_main_repository_in_an_experiment(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert files.shared_root() == tmp_path
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert files.shared_root() == tmp_path
