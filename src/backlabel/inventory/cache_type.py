"""How DVC brings files from its cache into a checkout, and what that costs in bytes."""

from __future__ import annotations

import configparser
import fcntl
import tempfile
from collections.abc import Iterable
from pathlib import Path

from backlabel.inventory.preflight import Finding

_FICLONE = 0x40049409  # linux/fs.h
_DEFAULT = "reflink,copy"
MUCH = 10**9
"""Bytes copied for each experiment from which it is worth to say so."""


def chosen(root: Path) -> list[str]:
    """`cache.type` of the repository `root`: the ways that DVC tries, in order."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    names = [root / ".dvc" / name for name in ("config", "config.local")]
    try:
        parser.read(names, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):  # DVC itself says what is wrong with it
        return _DEFAULT.split(",")
    found = parser.get("cache", "type", fallback=None) or _DEFAULT
    return [one.strip() for one in found.strip("\"'").split(",")]


def copies(root: Path) -> bool:
    """Whether checkouts of the repository `root` hold bytes of their own."""
    for way in chosen(root):
        if way in {"hardlink", "symlink"} or (way == "reflink" and _shares_blocks(root)):
            return False
    return True


def _shares_blocks(folder: Path) -> bool:
    try:
        with (
            tempfile.TemporaryFile(dir=folder) as one,
            tempfile.TemporaryFile(dir=folder) as other,
        ):
            one.write(b"x" * 4096)
            one.flush()
            fcntl.ioctl(other.fileno(), _FICLONE, one.fileno())
    except OSError:
        return False
    return True


def findings(root: Path, folder: Path, sizes: Iterable[int]) -> list[Finding]:
    """A note where an experiment in a checkout of its own copies more than `MUCH`.

    `sizes` are those of the files of `folder`, in bytes.
    """
    total = sum(sizes)
    if total <= MUCH or not copies(root):
        return []
    return [
        Finding(
            str(folder),
            f"{total / 1e9:.1f} GB, which DVC copies for each experiment with --temp or in the "
            f"queue (cache.type is {','.join(chosen(root))}; blocks cannot be shared here)",
            "`dvc config --local cache.type hardlink,copy && dvc checkout --relink` links them "
            "instead; see docs/cache-types.md.",
            note=True,
        )
    ]
