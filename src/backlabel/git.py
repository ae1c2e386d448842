"""What Git knows of this repository; a folder without Git is one about which it knows nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path


def committed(path: Path) -> bytes:
    """The file as the last commit has it; empty where there is no such commit, or no Git."""
    return _output("show", f"HEAD:./{path}")


def commit() -> str:
    """The SHA-1 of the last commit; empty where there is none."""
    return _output("rev-parse", "--verify", "HEAD").decode().strip()


def user() -> str:
    """The name under which this user commits; empty where none is set."""
    return _output("config", "user.name").decode(errors="replace").strip()


def has_repository() -> bool:
    """Whether the current folder lies in a Git repository."""
    return bool(_output("rev-parse", "--git-dir"))


def _output(*arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - nothing but the repository's own files is named
            ["git", *arguments],  # noqa: S607 - Git is wherever PATH has it
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return b""
    return done.stdout
