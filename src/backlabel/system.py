"""The operating systems on which backlabel runs, said before anything else is imported.

File locks (`fcntl`), a limit of memory for one process, and forking from a prepared process are
Linux's. Elsewhere the first import of one would end in an error that says nothing to a user.
"""

from __future__ import annotations

import sys

from backlabel.errors import UnsupportedSystemError

_REMEDIES = {
    "win32": "On Windows use WSL 2, which is Linux (`wsl --install`), or the Dockerfile.",
    "darwin": "On macOS use the Dockerfile with any container engine.",
}
_REMEDY = "Use a container with Linux: the Dockerfile makes one."


def refuse_others() -> None:
    """Raise UnsupportedSystemError unless this is Linux."""
    if sys.platform != "linux":
        raise UnsupportedSystemError(
            f"backlabel needs Linux, and this is {sys.platform}: its file locks, and the limits of "
            "memory and seconds for each image, are Linux's. "
            f"{_REMEDIES.get(sys.platform, _REMEDY)}"
        )
