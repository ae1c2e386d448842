"""Other systems than Linux are told at once, and not by an import that fails."""

from __future__ import annotations

import subprocess
import sys

import pytest

ELSEWHERE = """
import sys
sys.platform = {platform!r}
for missing in ("fcntl", "resource"):
    sys.modules[missing] = None  # importing it raises ImportError, as on Windows
"""
COMMAND = "from backlabel import __main__; sys.exit(__main__.main())"
LOAD = "import backlabel; backlabel.load('labeled')"


def told(platform, code):
    """Exit status and what is said where `sys.platform` is `platform`."""
    program = ELSEWHERE.format(platform=platform) + code
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("platform", "remedy"), [("win32", "WSL 2"), ("darwin", "Dockerfile"), ("aix", "Dockerfile")]
)
def test_command_says_that_it_needs_linux(platform, remedy):
    status, text = told(platform, COMMAND)
    assert status == 2
    assert text.startswith(f"backlabel: backlabel needs Linux, and this is {platform}: ")
    assert text.count("\n") == 1
    assert remedy in text


def test_loading_says_that_it_needs_linux():
    status, text = told("win32", LOAD)
    assert status == 1
    assert "UnsupportedSystemError: backlabel needs Linux" in text
    assert "fcntl" not in text
