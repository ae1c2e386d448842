"""Scores on a GPU: workers read and register the next pairs while it computes those at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

from backlabel.errors import UnreadableImageError
from backlabel.matching import scores
from backlabel.matching.evidence import Pair, Scores
from backlabel.matching.recompression import correlations
from backlabel.matching.scores import Direct, Registered
from backlabel.matching.scoring import Scorer
from backlabel.matching.ssim import ssim_batch
from backlabel.matching.tensors import Bounds
from backlabel.workers.crew import Crew

Scored: TypeAlias = Scores | UnreadableImageError | None
"""The scores of a pair; None where the JPEG, an error where the TIFF could not be read."""
_Measured: TypeAlias = Direct | Scored


def score(
    pairs: Sequence[Pair], scorer: Scorer, workers: Crew, bounds: Bounds, *, chunk: int
) -> list[Scored]:
    """The scores of each pair, in order.

    SSIM and the direct noise correlation are computed on `bounds.device`, `bounds.batch_size` pairs
    at a time. Pairs that need recompression go to the workers again, for a CPU encodes JPEGs.
    """
    registered = workers.map(scorer.register, pairs, what="compare", chunk=chunk)
    measured: list[_Measured] = []
    results = (result for _, result in registered)
    while batch := list(islice(results, bounds.batch_size)):
        measured += _measured(batch, scorer, bounds)
    unsure = [
        (pair, known)
        for pair, known in zip(pairs, measured, strict=True)
        if isinstance(known, Direct) and scores.needs_recompression(known)
    ]
    recompressed = workers.map(scorer.recompress, unsure, what="recompress", chunk=chunk)
    return list(_merged(measured, (result for _, result in recompressed)))


def _merged(measured: Sequence[_Measured], recompressed: Iterator[Scored]) -> Iterator[Scored]:
    for known in measured:
        if not isinstance(known, Direct):
            yield known
        elif scores.needs_recompression(known):
            yield next(recompressed)
        else:
            yield scores.assembled(known)


def _measured(
    batch: Sequence[Registered | UnreadableImageError | None], scorer: Scorer, bounds: Bounds
) -> list[_Measured]:
    pairs = [pair for pair in batch if isinstance(pair, Registered)]
    own = iter(_scores(pairs, scorer, bounds))
    return [next(own) if isinstance(pair, Registered) else pair for pair in batch]


def _scores(
    pairs: Sequence[Registered], scorer: Scorer, bounds: Bounds
) -> Sequence[Direct | Scores]:
    ssims = partial(
        ssim_batch,
        device=bounds.device,
        batch_size=bounds.batch_size,
        memory_mib=bounds.memory_mib,
    )
    ssim = ssims([pair.standardised() for pair in pairs], window=scorer.window).tolist()
    if not scorer.complete:
        return [Scores(scores.rounded(value)) for value in ssim]
    matched = ssims([pair.matched() for pair in pairs]).tolist()
    noise = correlations(
        [(pair.small, pair.jpeg) for pair in pairs],
        device=bounds.device,
        batch_size=bounds.batch_size,
        memory_mib=bounds.memory_mib,
    )
    return [Direct(*values) for values in zip(ssim, matched, noise, strict=True)]
