"""Which symbolic links are data: those that DVC made to its own cache (`cache.type symlink`).

Only links to `files/md5/<2 digits>/<30 digits>` of a cache of the same repository count. That is
`.dvc/cache` of the repository, or what `cache.dir` of its `.dvc/config` or `.dvc/config.local`
names. All other links stay refused: they could lead anywhere.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_OBJECT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}")
_CONFIGS = ("config", "config.local")


def cached_file(link: Path) -> Path | None:
    """The file in DVC's cache that `link` leads to, without links in its path; None if elsewhere.

    Whether it is a regular file is left to whoever opens it.
    """
    try:
        target = Path(os.path.realpath(link, strict=True))
    except OSError:  # it leads nowhere, or in a circle
        return None
    place = Path(os.path.abspath(link)).parent  # noqa: PTH100 - resolve() would follow links
    for root in _repositories(place, Path.cwd()):
        for cache in _caches(root):
            below = str(target).removeprefix(f"{cache}/")
            if _OBJECT.fullmatch(below):
                return target
    return None


def _repositories(place: Path, here: Path) -> Iterator[Path]:
    """The DVC repositories whose caches hold the data of the folder `place`.

    The one of the current folder, if `place` lies in it: a `.dvc` further inside may be anybody's.
    DVC_ROOT names the main one where DVC runs an experiment in a temporary checkout.
    """
    own = _enclosing(here)
    if own is None or not place.is_relative_to(own):
        own = _enclosing(place)
    if own is not None:
        yield own
    if "DVC_ROOT" in os.environ:
        yield Path(os.environ["DVC_ROOT"])


def _enclosing(folder: Path) -> Path | None:
    return next((one for one in (folder, *folder.parents) if (one / ".dvc").is_dir()), None)


@lru_cache(maxsize=64)  # a configuration is read once in a process
def _caches(root: Path) -> tuple[str, ...]:
    """The folders that hold the contents of DVC's caches of the repository `root`, resolved."""
    inside = root / ".dvc"
    folders = [inside / "cache", *(inside / _cache_dir(inside / name) for name in _CONFIGS)]
    return tuple(os.path.realpath(folder / "files" / "md5") for folder in folders)


def _cache_dir(config: Path) -> str:
    """`cache.dir` as one file says it, relative to `.dvc`; "cache", DVC's own default, without."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(config.read_text(encoding="utf-8", errors="surrogateescape"))
    except (OSError, configparser.Error):  # DVC itself says what is wrong with it
        return "cache"
    found = parser.get("cache", "dir", fallback=None) or "cache"
    return os.path.expanduser(found.strip("\"'"))  # noqa: PTH111 - it stays a word
