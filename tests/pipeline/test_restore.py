"""What docs/how-to/restore.md and docs/own-data.md say brings a state back."""

from __future__ import annotations

import shutil

import pytest

pytestmark = pytest.mark.pipeline


def test_lost_and_changed_files_of_the_set_come_back(reproduced, tmp_path):
    clone = reproduced.copy(tmp_path / "backlabel")
    lost, changed = sorted((clone.path / "labeled").rglob("*.tif"))[:2]
    lost.unlink()
    changed.unlink()  # it may be a link into DVC's cache
    changed.write_bytes(b"II*\0")
    told = clone.run("backlabel", "verify", "labeled", check=False)
    assert told.returncode == 1
    assert "2 differ" in told.stdout
    clone.run("dvc", "checkout", "--force", "labeled")
    assert "0 differ" in clone.run("backlabel", "verify", "labeled").stdout


def test_downloaded_archive_is_no_git_repository(pulled, tmp_path):
    clone = pulled.copy(tmp_path / "backlabel")
    shutil.rmtree(clone.path / ".git")
    assert clone.run("dvc", "status", "data.dvc", check=False).returncode != 0
    clone.run("dvc", "config", "--local", "core.no_scm", "true")
    assert "up to date" in clone.run("dvc", "status", "data.dvc").stdout
