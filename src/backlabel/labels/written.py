"""What an earlier run wrote into the labelled set, and whether it is still all that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backlabel.hashing.contents import Folder
from backlabel.labels import copies, manifest


@dataclass(frozen=True)
class Written:
    """The SHA-256 of each path below the set that a run wrote, and what tells that of a file."""

    digests: Mapping[str, str]
    held: Folder


def unchanged(target: Path, cache: Path) -> Written:
    """Of the set in `target`; `cache` is the folder in which what is known of files is kept.

    Raises OutputError where something lies there that no run wrote, or that was changed since.
    """
    digests, held = manifest.own_files(target), Folder(cache)
    held.look_at(copies.files_below(target))
    copies.refuse_foreign(target, digests, held.digest)
    return Written(digests, held)
