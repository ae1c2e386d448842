"""Scores on a GPU: workers read, register and verify the next pairs while it computes the SSIM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

from backlabel.errors import UnreadableImageError
from backlabel.images import GreyImage
from backlabel.matching import device, scores
from backlabel.matching.evidence import Pair, Scored, Scores
from backlabel.matching.scoring import Scorer
from backlabel.matching.ssim import ssim_batch
from backlabel.matching.tensors import Bounds
from backlabel.matching.verify import Verified
from backlabel.workers.crew import Crew, Finishing

_Verified: TypeAlias = tuple[tuple[GreyImage, GreyImage], Verified]
_Read: TypeAlias = _Verified | UnreadableImageError


def score(
    pairs: Iterable[Pair], scorer: Scorer, workers: Crew, bounds: Bounds, *, chunk: int
) -> Iterator[tuple[Pair, Scored]]:
    """Each pair with its scores, in order.

    SSIM is computed on `bounds.device`, `bounds.batch_size` pairs at a time; the explained share
    by the workers, which hold the pixels anyway.
    """
    results = workers.map(scorer.verify, pairs, what="", chunk=chunk)
    while batch := list(islice(results, bounds.batch_size)):
        some, read = zip(*batch, strict=True)
        yield from zip(some, _finished(read, scorer, bounds), strict=True)


def score_there(
    pairs: Iterable[Pair], scorer: Scorer, workers: Crew, bounds: Bounds
) -> Iterator[tuple[Pair, Scored]]:
    """As `score`, but each worker of a cluster computes on its own `bounds.device`.

    No pixel leaves a worker. Raises WorkerError where one has no such device.
    """
    work = Finishing(scorer.verify, partial(_on_worker, scorer=scorer, bounds=bounds))
    return workers.map(work, pairs, what="", chunk=bounds.batch_size)


def _on_worker(batch: Sequence[_Read], scorer: Scorer, bounds: Bounds) -> list[Scored]:
    device.require_on_worker(bounds.device)
    return _finished(batch, scorer, bounds)


def _finished(batch: Sequence[_Read], scorer: Scorer, bounds: Bounds) -> list[Scored]:
    known = [one for one in batch if not isinstance(one, UnreadableImageError)]
    own = iter(_scores(known, scorer, bounds))
    return [one if isinstance(one, UnreadableImageError) else next(own) for one in batch]


def _scores(pairs: Sequence[_Verified], scorer: Scorer, bounds: Bounds) -> list[Scores]:
    ssim = ssim_batch(
        [compared for compared, _ in pairs],
        device=bounds.device,
        batch_size=bounds.batch_size,
        memory_mib=bounds.memory_mib,
        window=scorer.window,
    ).tolist()
    if not scorer.complete:
        return [Scores(scores.rounded(value)) for value in ssim]
    return [
        scores.assembled(value, verified) for value, (_, verified) in zip(ssim, pairs, strict=True)
    ]
