"""What worker processes read of labelled files: how each was taken, and digests of its pixels.

Tags and pictures of strangers may be of any size and shape: no file is opened for them in the
main process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

from backlabel import images
from backlabel.errors import DataError, UnreadableImageError
from backlabel.labels.known import TEXT_CHANGED, Acquisitions, PixelDigests, Texts
from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.beside import beside
from backlabel.storage import names
from backlabel.storage.rows import Beside
from backlabel.workers import crew
from backlabel.workers.cluster import Cluster

_TOGETHER = 500  # pairs that are looked up, and kept
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
class KnownFacts:
    """What is kept of earlier runs, and the SHA-256 of what lies beside TIFFs, by path."""

    pixels: PixelDigests
    acquisitions: Acquisitions
    beside: Mapping[str, str]

    @classmethod
    def of(cls, cache: Path, limits: images.Limits, beside: Sequence[Beside]) -> Self:
        """What is kept in the folder `cache` of files read under `limits`."""
        return cls(
            PixelDigests(cache / "pixels.sqlite", limits),
            Acquisitions(cache / "metadata.sqlite", limits),
            {row.path: row.sha256 for row in beside},
        )

    def texts(self, path: Path) -> Texts:
        """The text files beside a TIFF, where metadata may be, with their SHA-256."""
        if not self.beside:
            return ()
        places = beside(str(path))
        return tuple((one, self.beside[one]) for one in places if one in self.beside)


@dataclass(frozen=True)
class _Pixels:
    """A picture whose pixels are to be digested; a JPEG has no page."""

    path: Path
    page: int | None


@dataclass(frozen=True)
class _Metadata:
    """A TIFF whose metadata are to be read, and the text files that lay beside it."""

    path: Path
    page: int
    texts: Texts


_Task = _Pixels | _Metadata
_Result = Acquisition | str | UnreadableImageError


def read(pairs: Iterable[Pair], bounds: Bounds, known: KnownFacts) -> Iterator[Facts]:
    """The facts of each pair. Metadata over a limit are a note; no metadata is no error.

    Raises DataError that names a file whose picture cannot be read, or a text file beside a TIFF
    that is not what it was when the TIFF was hashed.
    """
    rest = iter(pairs)
    with crew.crew(
        bounds.cluster,
        workers=bounds.workers,
        max_seconds=bounds.max_seconds,
        max_memory_mib=bounds.max_memory_mib,
    ) as workers:
        for some in iter(lambda: [*islice(rest, _TOGETHER)], []):
            yield from _read(some, workers, bounds.limits, known)


def _read(
    pairs: Sequence[Pair], workers: crew.Crew, limits: images.Limits, known: KnownFacts
) -> Iterator[Facts]:
    pictures = [
        own
        for one in pairs
        for own in (
            (
                known.pixels.key(one.labelled, one.sha256, one.page),
                _Pixels(one.labelled, one.page),
            ),
            (known.pixels.key(one.jpeg, one.JPEG_sha256), _Pixels(one.jpeg, None)),
        )
    ]
    texts = [known.texts(one.original) for one in pairs]
    takes = [
        (
            known.acquisitions.key(one.sha256, one.page, own),
            _Metadata(one.original, one.page, own),
        )
        for one, own in zip(pairs, texts, strict=True)
    ]
    digests = known.pixels.get_many([key for key, _ in pictures])
    acquired = known.acquisitions.get_many([key for key, _ in takes])
    tasks: dict[bytes, _Task] = {key: task for key, task in takes if key not in acquired}
    tasks |= {key: task for key, task in pictures if key not in digests}
    results = _results([*tasks.values()], workers, limits)
    new_digests: dict[bytes, str] = {}
    new_takes: dict[bytes, Acquisition] = {}
    for (key, task), result in zip(tasks.items(), results, strict=True):
        if isinstance(task, _Pixels):
            new_digests[key] = _decoded(task.path, result)
        else:
            acquired[key] = _taken(result)
            if isinstance(result, Acquisition):
                new_takes[key] = result
    digests |= new_digests
    known.pixels.put(new_digests)
    known.acquisitions.put(new_takes)
    for (take, _), (tiff, _), (jpeg, _) in zip(takes, pictures[::2], pictures[1::2], strict=True):
        yield Facts(acquired[take], digests[tiff], digests[jpeg])


def _results(
    tasks: Sequence[_Task], workers: crew.Crew, limits: images.Limits
) -> Iterator[_Result]:
    if not tasks:
        return
    from backlabel.labels import reading  # noqa: PLC0415 - what opens images takes half a second

    results = workers.map(
        partial(reading.read, limits=limits),
        [
            (task.path, task.page, task.texts if isinstance(task, _Metadata) else None)
            for task in tasks
        ],
        what="",
        chunk=_PER_WORKER,
    )
    yield from (result for _, result in results)


def _taken(result: _Result) -> Acquisition:
    # The file is what was hashed: what fails here is not the file, but reading its metadata.
    if isinstance(result, UnreadableImageError):
        if result.reason == TEXT_CHANGED:
            raise DataError(
                f"{names.to_cell(result.detail)}: changed since the TIFF beside it was hashed. "
                "Run the hash stage again."
            )
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
