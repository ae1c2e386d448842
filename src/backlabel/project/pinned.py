"""The version of backlabel that a project is of: `backlabel.yaml`, on which its stages depend.

DVC sees no change of an installed package. So a project says which version it is of, and stages
refuse to run by another one; where the file names another version, DVC runs all stages again.
"""

from __future__ import annotations

from pathlib import Path

from backlabel import __version__, config
from backlabel.errors import ConfigError

FILE = Path("backlabel.yaml")
KEY = "version"


def text() -> str:
    """The file's text for the version that is installed."""
    return (
        "# The version of backlabel that this project is of; `backlabel upgrade` changes it.\n"
        f"{KEY}: {__version__}\n"
    )


def version() -> str | None:
    """The version that the project in the current folder is of; None where there is none."""
    if not FILE.is_file():
        return None
    values = config.read_yaml(FILE)
    return str(values.get(KEY)) if isinstance(values, dict) else None


def refuse_another() -> None:
    """Raise ConfigError where the project is of another version than the one that runs."""
    own = version()
    if own not in (None, __version__):
        raise ConfigError(
            f"{FILE}: this project is of backlabel {own}, and {__version__} is installed. "
            f"Run `backlabel upgrade`, or install backlabel=={own}."
        )
