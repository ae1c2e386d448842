"""Scores of candidates, batch by batch: decoding of the next batch overlaps with computing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage
from backlabel.images.encoding import Table
from backlabel.matching.decide import Candidate
from backlabel.matching.recompression import correlations
from backlabel.matching.scores import Planes, verify
from backlabel.matching.ssim import Window, ssim_batch
from backlabel.matching.variants import Variant

DECIMALS = 6
"""Of the scores that are kept: what a GPU and a CPU may compute differently lies below."""


@dataclass(frozen=True)
class Loaded:
    """An image (H, W), and the quantisation that it states if it is a JPEG."""

    grey: GreyImage
    table: Table | None


Load: TypeAlias = Callable[[str], Loaded]
Images: TypeAlias = Mapping[str, Loaded | UnreadableImageError]


@dataclass(frozen=True)
class Group:
    """One TIFF and the candidates that are to be scored, with the paths of their JPEGs."""

    tiff: str
    candidates: tuple[Candidate, ...]
    jpegs: tuple[str, ...]


Scored: TypeAlias = list[Candidate] | UnreadableImageError
"""The candidates of a group with their scores, or why the TIFF could not be read.

A candidate whose JPEG could not be read keeps its scores at None.
"""


@dataclass(frozen=True)
class Compute:
    """How scores are computed; only `complete` and `window` change what comes out.

    `complete` asks for all scores, otherwise SSIM of the standardised images alone.
    """

    device: str
    batch_size: int
    memory_mib: int
    threads: int
    complete: bool
    window: Window = "uniform"


def score(groups: Sequence[Group], load: Load, compute: Compute) -> Iterator[Scored]:
    """The scores of each group, in order. Each image is read once per batch of groups.

    A batch holds at least `batch_size` candidates, or one group.
    """
    batches = list(_batches(groups, compute.batch_size))
    with ThreadPoolExecutor(compute.threads) as pool:
        ahead = _read(batches[0], load, pool) if batches else {}
        for i, batch in enumerate(batches):
            images = {path: _outcome(future) for path, future in ahead.items()}
            started = _start(batch, images, compute, pool)
            # After the work of this batch in the pool's queue, so that no thread waits for its end.
            ahead = _read(batches[i + 1], load, pool) if i + 1 < len(batches) else {}
            yield from _finished(started, compute, pool)


def _batches(groups: Sequence[Group], batch_size: int) -> Iterator[list[Group]]:
    batch: list[Group] = []
    waiting = 0
    for group in groups:
        batch.append(group)
        waiting += len(group.candidates)
        if waiting >= batch_size:
            yield batch
            batch, waiting = [], 0
    if batch:
        yield batch


def _read(
    batch: Sequence[Group], load: Load, pool: ThreadPoolExecutor
) -> dict[str, Future[Loaded]]:
    paths = dict.fromkeys(path for group in batch for path in (group.tiff, *group.jpegs))
    return {path: pool.submit(load, path) for path in paths}


def _outcome(future: Future[Loaded]) -> Loaded | UnreadableImageError:
    try:
        return future.result()
    except UnreadableImageError as error:
        return error


@dataclass(frozen=True)
class _Pair:
    candidate: Candidate
    planes: Planes
    table: Table | None

    def scored(self, complete: bool) -> Candidate:
        """The candidate with its scores; those that it has are kept."""
        if complete:
            return verify(self.candidate, self.planes, self.table)
        if self.candidate.ssim is not None:
            return self.candidate
        return dataclasses.replace(self.candidate, ssim=self.planes.ssim_standardised())


@dataclass(frozen=True)
class _Started:
    """A batch in work: its results so far, and where those of its pairs belong."""

    results: list[Scored]
    places: list[tuple[int, int]]
    pairs: list[Future[_Pair]]
    scored: list[Future[Candidate]]
    """Empty where tensors take all pairs together."""


def _start(
    batch: Sequence[Group], images: Images, compute: Compute, pool: ThreadPoolExecutor
) -> _Started:
    places: list[tuple[int, int]] = []
    asked: list[tuple[Candidate, Loaded, Loaded]] = []
    for i, group in enumerate(batch):
        for j, (candidate, path) in enumerate(zip(group.candidates, group.jpegs, strict=True)):
            tiff, jpeg = images[group.tiff], images[path]
            if isinstance(tiff, Loaded) and isinstance(jpeg, Loaded):
                places.append((i, j))
                asked.append((candidate, tiff, jpeg))
    # The compiled kernel has the uniform window; tensors have both.
    on_cpu = compute.device == "cpu" and compute.window == "uniform"
    return _Started(
        results=[_unscored(group, images) for group in batch],
        places=places,
        pairs=[] if on_cpu else [pool.submit(_pair, *one) for one in asked],
        scored=[pool.submit(_scored, *one, compute.complete) for one in asked] if on_cpu else [],
    )


def _pair(candidate: Candidate, tiff: Loaded, jpeg: Loaded) -> _Pair:
    planes = Planes.of(tiff.grey, jpeg.grey, Variant.parse(candidate.variant))
    return _Pair(candidate, planes, jpeg.table)


def _scored(candidate: Candidate, tiff: Loaded, jpeg: Loaded, complete: bool) -> Candidate:
    return _pair(candidate, tiff, jpeg).scored(complete)


def _finished(started: _Started, compute: Compute, pool: ThreadPoolExecutor) -> list[Scored]:
    scored = started.scored
    if started.pairs:
        pairs = _together([future.result() for future in started.pairs], compute, pool)
        scored = [pool.submit(pair.scored, compute.complete) for pair in pairs]
    for (i, j), future in zip(started.places, scored, strict=True):
        result = started.results[i]
        assert isinstance(result, list)  # its TIFF was read
        result[j] = rounded(future.result())
    return started.results


def _together(
    pairs: Sequence[_Pair], compute: Compute, pool: ThreadPoolExecutor
) -> Iterator[_Pair]:
    """`pairs` with the scores that a device computes for all of them at once."""
    planes = [pair.planes for pair in pairs]
    ssims = partial(
        ssim_batch,
        device=compute.device,
        batch_size=compute.batch_size,
        memory_mib=compute.memory_mib,
    )
    # One score after the other, so that the images of one alone are held.
    values = ssims([*pool.map(Planes.standardised, planes)], window=compute.window).tolist()
    matched: Sequence[float | None] = [None] * len(pairs)
    residual = matched
    if compute.complete:
        matched = ssims([*pool.map(Planes.matched, planes)]).tolist()
        residual = correlations(
            [(one.small, one.theirs) for one in planes],
            device=compute.device,
            batch_size=compute.batch_size,
            memory_mib=compute.memory_mib,
        )
    for pair, own, same, noise in zip(pairs, values, matched, residual, strict=True):
        known = dataclasses.replace(
            pair.candidate, ssim=own, ssim_matched=same, noise_correlation_direct=noise
        )
        yield dataclasses.replace(pair, candidate=known)


def _unscored(group: Group, images: Images) -> Scored:
    tiff = images[group.tiff]
    return tiff if isinstance(tiff, UnreadableImageError) else list(group.candidates)


def rounded(one: Candidate) -> Candidate:
    """`one` with its scores to `DECIMALS`."""
    return dataclasses.replace(
        one,
        ssim=_round(one.ssim),
        ssim_matched=_round(one.ssim_matched),
        noise_correlation_direct=_round(one.noise_correlation_direct),
        noise_correlation_recompressed=_round(one.noise_correlation_recompressed),
        noise_correlation_by_chance=_round(one.noise_correlation_by_chance),
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
