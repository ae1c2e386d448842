"""Scores on a GPU: workers read, register and verify the next pairs while it computes the SSIM."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TypeAlias

from backlabel.errors import UnreadableImageError
from backlabel.matching import scores
from backlabel.matching.evidence import Pair, Scores
from backlabel.matching.scores import Registered
from backlabel.matching.scoring import Scorer
from backlabel.matching.ssim import ssim_batch
from backlabel.matching.tensors import Bounds
from backlabel.matching.verify import Verified
from backlabel.workers.crew import Crew

Scored: TypeAlias = Scores | UnreadableImageError | None
"""The scores of a pair; None where the JPEG, an error where the TIFF could not be read."""
_Registered: TypeAlias = tuple[Registered, Verified]


def score(
    pairs: Sequence[Pair], scorer: Scorer, workers: Crew, bounds: Bounds, *, chunk: int
) -> list[Scored]:
    """The scores of each pair, in order.

    SSIM is computed on `bounds.device`, `bounds.batch_size` pairs at a time; the explained share
    by the workers, which hold the pixels anyway.
    """
    found: list[Scored] = []
    results = (
        result for _, result in workers.map(scorer.verify, pairs, what="compare", chunk=chunk)
    )
    while batch := list(islice(results, bounds.batch_size)):
        known = [one for one in batch if isinstance(one, tuple)]
        own = iter(_scores(known, scorer, bounds))
        found += [next(own) if isinstance(one, tuple) else one for one in batch]
    return found


def _scores(pairs: Sequence[_Registered], scorer: Scorer, bounds: Bounds) -> list[Scores]:
    ssim = ssim_batch(
        [pair.standardised() for pair, _ in pairs],
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
