"""Trials of the TIFFs that lie in folders, over worker processes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from backlabel import images
from backlabel.calibration.trials import Trial, trials
from backlabel.errors import DataError, UnreadableImageError
from backlabel.hashing import hash_image
from backlabel.inventory import scanning
from backlabel.kernels.compiled import compile_all
from backlabel.storage import names
from backlabel.storage.rows import Passed
from backlabel.storage.tables import FileName
from backlabel.workers import crew
from backlabel.workers.cluster import Cluster


@dataclass(frozen=True)
class Picture:
    """One TIFF, named by the digest of its file."""

    path: FileName
    sha256: str


@dataclass(frozen=True)
class Found:
    """What lies in the folders: each content once, and what is passed over."""

    pictures: list[Picture] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)


@dataclass(frozen=True)
class Bounds:
    """How a run goes, not what it finds; seconds and memory are for one picture."""

    workers: int
    max_seconds: float
    max_memory_mib: int
    cluster: Cluster | None = None


@dataclass(frozen=True)
class Outcome:
    """Trials in the order of the pictures' paths; `passed` gave none."""

    pictures: list[Picture]
    trials: list[Trial]
    passed: list[Passed]


def find(folders: Sequence[Path], limits: images.Limits, bounds: Bounds) -> Found:
    """Every TIFF below `folders`. Raises DataError where a folder is missing or none holds one.

    Of files with the same bytes the first path counts: an image used twice proves nothing more.
    """
    listed: dict[str, None] = {}
    found = Found()
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder. Name a folder that holds TIFFs.")
        scanned = scanning.scan(folder, kinds=["tiff"])
        listed |= dict.fromkeys(scanned.images.paths)
        found.passed.extend(Passed(item.path, "", item.reason, "") for item in scanned.errors)
    known: dict[str, str] = {}
    digests = crew.map_files(
        partial(_digest, limits=limits),
        sorted(listed, key=os.fsencode),
        workers=bounds.workers,
        max_seconds=bounds.max_seconds,
        max_memory_mib=bounds.max_memory_mib,
        what="find",
        cluster=bounds.cluster,
    )
    for path, digest in digests:
        _place(path, digest, known, found)
    if not found.pictures:
        looked = ", ".join(map(str, folders))
        raise DataError(f"{looked}: no TIFF that can be opened; looked for .tif, .tiff (any case).")
    return found


def draw(pictures: Sequence[Picture], count: int | None, seed: int) -> list[Picture]:
    """`count` of the pictures, or all. Content and seed choose, whatever the files are named.

    Raises DataError where there are fewer.
    """
    if count is None:
        return list(pictures)
    if count > len(pictures):
        raise DataError(
            f"--images {count}, but only {len(pictures)} different TIFFs were found. "
            "Ask for fewer, or for all by leaving it out."
        )
    chosen = set(sorted(pictures, key=lambda one: _number(one, seed))[:count])
    return [one for one in pictures if one in chosen]


def trials_of_all(
    pictures: Sequence[Picture],
    kinds: Sequence[str],
    *,
    seed: int,
    limits: images.Limits,
    bounds: Bounds,
) -> Outcome:
    """Trials of every picture. What a picture gives depends on its content and the seed alone."""
    ordered = sorted(pictures, key=lambda one: os.fsencode(one.path))
    outcome = Outcome([], [], [])
    results = crew.map_files(
        partial(trials_of, kinds=kinds, seed=seed, limits=limits),
        ordered,
        workers=bounds.workers,
        max_seconds=bounds.max_seconds,
        max_memory_mib=bounds.max_memory_mib,
        what="calibrate",
        chunk=1,
        prepare=compile_all,
        cluster=bounds.cluster,
    )
    for picture, result in results:
        if isinstance(result, UnreadableImageError):
            outcome.passed.append(Passed(picture.path, "tiff", result.reason, result.detail))
        else:
            outcome.pictures.append(picture)
            outcome.trials.extend(result)
    return outcome


def trials_of(
    picture: Picture, *, kinds: Sequence[str], seed: int, limits: images.Limits
) -> list[Trial]:
    """The trials of one picture, scores rounded as in the mapping.

    Raises UnreadableImageError where it cannot be read, or holds too little for any match.
    """
    grey = images.read(Path(picture.path), limits).grey
    gate = hash_image(grey).information
    if gate:
        raise UnreadableImageError("without information", f"the image is {gate}: it never matches")
    return list(trials(picture.path, grey, kinds, _number(picture, seed)))


def _place(
    path: str, digest: str | UnreadableImageError, known: dict[str, str], found: Found
) -> None:
    if isinstance(digest, UnreadableImageError):
        found.passed.append(Passed(path, "tiff", digest.reason, digest.detail))
        return
    first = known.setdefault(digest, path)
    if first == path:
        found.pictures.append(Picture(path, digest))
    else:
        found.passed.append(Passed(path, "tiff", "same bytes", f"as {names.to_cell(first)}"))


def _digest(path: str, *, limits: images.Limits) -> str:
    with images.opened(Path(path), max_bytes=limits.max_bytes) as source:
        return source.sha256()


def _number(picture: Picture, seed: int) -> int:
    """A random-looking number that only the picture's content and the seed decide."""
    digest = hashlib.sha256(f"{seed} {picture.sha256}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
