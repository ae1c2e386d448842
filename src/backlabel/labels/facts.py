"""What worker processes read of labelled files: how each was taken, and digests of its pixels.

Tags and pictures of strangers may be of any size and shape: no file is opened for them in the
main process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backlabel import images
from backlabel.errors import DataError, UnreadableImageError
from backlabel.labels import pixels
from backlabel.labels.pixels import PixelDigests
from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage import names
from backlabel.workers import crew
from backlabel.workers.cluster import Cluster

_PER_WORKER = 32  # tasks that a further worker process is worth starting for


@dataclass(frozen=True)
class Bounds:
    """Limits for one file, and the number of processes."""

    limits: images.Limits
    max_seconds: float
    max_memory_mib: int
    workers: int
    cluster: Cluster | None = None


@dataclass(frozen=True)
class Pair:
    """An original, its copy in the labelled set, and its JPEG, with the SHA-256 of their bytes.

    `page` is the original's that holds the picture.
    """

    original: Path
    page: int
    labelled: Path
    sha256: str
    jpeg: Path
    JPEG_sha256: str


@dataclass(frozen=True)
class Facts:
    """What was read of one pair. The digests are those of `backlabel.labels.pixels.digest`."""

    taken: Acquisition
    pixels_sha256: str
    JPEG_pixels_sha256: str


@dataclass(frozen=True)
class _Task:
    """A file to read: of the pixels of its page, or else of its metadata.

    The page is None where the file is a JPEG.
    """

    path: Path
    page: int | None
    of_pixels: bool


def read(pairs: Sequence[Pair], bounds: Bounds, digests: PixelDigests) -> list[Facts]:
    """The facts of each pair. Metadata over a limit are a note; no metadata is no error.

    Raises DataError that names a file whose picture cannot be read.
    """
    keys = [
        (digests.key(one.labelled, one.sha256, one.page), digests.key(one.jpeg, one.JPEG_sha256))
        for one in pairs
    ]
    pictures: dict[bytes, _Task] = {}
    for (tiff, jpeg), one in zip(keys, pairs, strict=True):
        pictures[tiff] = _Task(one.labelled, one.page, of_pixels=True)
        pictures[jpeg] = _Task(one.jpeg, None, of_pixels=True)
    known = {key: found for key in pictures if (found := digests.get(key)) is not None}
    new = [key for key in pictures if key not in known]
    tasks = [_Task(one.original, one.page, of_pixels=False) for one in pairs]
    tasks += [pictures[key] for key in new]
    results = _results(tasks, bounds)
    taken = [_taken(result) for result in results[: len(pairs)]]
    fresh = zip(new, tasks[len(pairs) :], results[len(pairs) :], strict=True)
    decoded = {key: _decoded(task.path, result) for key, task, result in fresh}
    digests.put(decoded)
    known |= decoded
    return [
        Facts(acquisition, known[tiff], known[jpeg])
        for acquisition, (tiff, jpeg) in zip(taken, keys, strict=True)
    ]


_Result = Acquisition | str | UnreadableImageError


def _results(tasks: Sequence[_Task], bounds: Bounds) -> list[_Result]:
    if not tasks:
        return []
    results = crew.map_files(
        partial(_read, limits=bounds.limits),
        tasks,
        workers=min(bounds.workers, -(-len(tasks) // _PER_WORKER)),
        max_seconds=bounds.max_seconds,
        max_memory_mib=bounds.max_memory_mib,
        what="read metadata and pixels",
        cluster=bounds.cluster,
    )
    return [result for _, result in results]


def _read(task: _Task, limits: images.Limits) -> Acquisition | str:
    if task.of_pixels:
        return pixels.digest(images.read_samples(task.path, limits, task.page))
    return metadata.read(task.path, limits, task.page)


def _taken(result: _Result) -> Acquisition:
    # Copying has read the whole file: what fails here is not the file, but reading its metadata.
    if isinstance(result, UnreadableImageError):
        return Acquisition(note=f"metadata were not read: {result}")
    assert isinstance(result, Acquisition)
    return result


def _decoded(path: Path, result: _Result) -> str:
    if isinstance(result, UnreadableImageError):
        raise DataError(
            f"{names.to_cell(str(path))}: cannot be read any more ({result}). "
            "Run the hash stage again."
        )
    assert isinstance(result, str)
    return result
