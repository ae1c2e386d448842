"""Scores of candidate pairs, batch by batch: decoding of the next batch overlaps with computing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage
from backlabel.matching.ssim import ssim_batch

Load = Callable[[str], GreyImage]
Pair = tuple[GreyImage, GreyImage]


@dataclass(frozen=True)
class Group:
    """One TIFF and the JPEGs that it is to be compared with, all by path."""

    tiff: str
    jpegs: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """SSIM of one TIFF with each JPEG of its group, NaN where that JPEG could not be read.

    `failure` says why the TIFF itself could not be read; then `ssim` is empty.
    """

    ssim: tuple[float, ...]
    failure: UnreadableImageError | None = None


def score(
    groups: Sequence[Group],
    load: Load,
    *,
    device: str,
    batch_size: int,
    memory_mib: int,
    threads: int,
) -> Iterator[tuple[Group, Scores]]:
    """The scores of each group, in order. `load` gives a standardised image (H, W) by path.

    Each image is read once per batch. A batch holds at least `batch_size` pairs, or one group.
    """
    batches = list(_batches(groups, batch_size))
    compute = partial(
        ssim_batch, device=device, batch_size=batch_size, memory_mib=memory_mib, threads=threads
    )
    with ThreadPoolExecutor(threads) as readers:
        ahead = _read(batches[0], load, readers) if batches else {}
        for i, batch in enumerate(batches):
            now = {path: _outcome(future) for path, future in ahead.items()}
            ahead = _read(batches[i + 1], load, readers) if i + 1 < len(batches) else {}
            yield from zip(batch, _score(batch, now, compute), strict=True)


def _batches(groups: Sequence[Group], batch_size: int) -> Iterator[list[Group]]:
    batch: list[Group] = []
    pairs = 0
    for group in groups:
        batch.append(group)
        pairs += len(group.jpegs)
        if pairs >= batch_size:
            yield batch
            batch, pairs = [], 0
    if batch:
        yield batch


def _read(
    batch: Sequence[Group], load: Load, readers: ThreadPoolExecutor
) -> dict[str, Future[GreyImage]]:
    paths = dict.fromkeys(path for group in batch for path in (group.tiff, *group.jpegs))
    return {path: readers.submit(load, path) for path in paths}


def _outcome(future: Future[GreyImage]) -> GreyImage | UnreadableImageError:
    try:
        return future.result()
    except UnreadableImageError as error:
        return error


def _score(
    batch: Sequence[Group],
    images: dict[str, GreyImage | UnreadableImageError],
    compute: Callable[[Sequence[Pair]], NDArray[np.float64]],
) -> list[Scores]:
    pairs: list[Pair] = []
    places: dict[tuple[str, str], int] = {}
    for group in batch:
        for jpeg in group.jpegs:
            one, other = images[group.tiff], images[jpeg]
            if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
                places[group.tiff, jpeg] = len(pairs)
                pairs.append((one, other))
    values = compute(pairs)
    return [_scores(group, images[group.tiff], places, values) for group in batch]


def _scores(
    group: Group,
    tiff: GreyImage | UnreadableImageError,
    places: dict[tuple[str, str], int],
    values: NDArray[np.float64],
) -> Scores:
    if isinstance(tiff, UnreadableImageError):
        return Scores((), tiff)
    found = (places.get((group.tiff, jpeg)) for jpeg in group.jpegs)
    return Scores(tuple(float("nan") if at is None else float(values[at]) for at in found))
