"""The Git and DVC repository that a project lies in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backlabel import git
from backlabel.errors import ConfigError, DataError
from backlabel.report import dvc_page
from backlabel.storage.files import atomic_write

_DVC_SETTINGS = {
    "hydra.enabled": "true",
    "hydra.config_dir": "conf",
    "hydra.config_name": "config",
    "plots.html_template": dvc_page.NAME,
}


def set_up() -> None:
    """Make the current folder a repository of Git and DVC, if it is none, that composes `conf/`.

    Raises ConfigError inside of another DVC repository, DataError where a command fails.
    """
    here = Path.cwd()
    above = next((one for one in here.parents if (one / ".dvc").is_dir()), None)
    if not Path(".dvc").is_dir():
        if above is not None:
            raise ConfigError(
                f"{above} is a DVC repository: run `backlabel init` there, or make this folder one "
                "of its own with `dvc init --subdir` before."
            )
        if not git.has_repository():
            _run("git", "init", "-q")
        subdir = [] if Path(".git").exists() else ["--subdir"]
        _dvc("init", "-q", *subdir)
        _dvc("config", "core.analytics", "false")
        _dvc("config", "cache.type", "reflink,copy")
    with atomic_write(Path(".dvc") / dvc_page.NAME) as file:
        file.write(dvc_page.page())
    for name, value in _DVC_SETTINGS.items():
        _dvc("config", name, value)


def add_remote(url: str) -> None:
    """Make `url` DVC's default remote. Raises DataError where DVC refuses it."""
    _dvc("remote", "add", "--default", "--force", "storage", url)


def _dvc(*arguments: str) -> None:
    _run(sys.executable, "-m", "dvc", *arguments)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise DataError(f"{command[0]}: cannot be run ({error.strerror}).") from error
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise DataError(f"`{' '.join(command)}` failed: {told[-1] if told else done.returncode}")
