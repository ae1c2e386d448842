"""What is asked of images: from what is kept of earlier runs, and else from worker processes."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.kernels import compile_all
from backlabel.matching import search
from backlabel.matching.decide import Rule
from backlabel.matching.evidence import Pair, Scored, Scores
from backlabel.matching.kept import Kept
from backlabel.matching.near_pairs import Query
from backlabel.matching.scoring import Changed, Scorer
from backlabel.matching.settings import Settings
from backlabel.matching.variants import Variant
from backlabel.storage.rows import TiffHash
from backlabel.workers.cluster import is_elsewhere
from backlabel.workers.crew import Crew, crew
from backlabel.workers.pool import cores

_CHUNK = 4  # pairs: one takes 10 to 100 ms, and those of a TIFF share its decoding
_TASK = 16  # pairs of a task on a cluster, which costs 10 ms of its own
_IMAGES_OF_A_PAIR = 3  # times `max_seconds`: two are read, and both are scored
_ASKED_TOGETHER = 500  # pairs whose scores are looked up
_WAITING = 4000  # pairs whose scores are known, and that come behind one that is computed
_KEPT_TOGETHER = 64  # pairs whose scores a kill may lose


class _Awaited:
    """Stands for scores that are being computed."""


_AWAITED = _Awaited()


def workers(settings: Settings) -> AbstractContextManager[Crew]:
    """Who scores pairs. None is started before there is something to do."""
    return crew(
        settings.cluster,
        workers=cores(),
        max_seconds=_IMAGES_OF_A_PAIR * settings.max_seconds,
        max_memory_mib=settings.max_memory_mib,
        prepare=compile_all if settings.engine == "fast" else None,
    )


class Measuring:
    """Scores and hashes by `crew`, but for those in `kept`, to which new ones are added."""

    def __init__(self, settings: Settings, crew: Crew, kept: Kept | None) -> None:
        self._settings, self.crew, self._kept = settings, crew, kept
        self._complete = settings.rule is Rule.COMBINED

    def scores(self, asked: Iterable[Pair | None]) -> Iterator[Scored | None]:
        """The scores of each pair, in order; None for None.

        Held are those of pairs under way, and some thousands that are known and come after one.
        """
        rest = iter(asked)
        passed: deque[Scores | _Awaited | None] = deque()

        def has_room() -> bool:
            """Whether more may be looked up: what is known waits behind what is computed alone."""
            computed = passed.count(_AWAITED)
            return not passed or 0 < computed > len(passed) - _WAITING

        def unknown(asked: Iterator[Pair | None]) -> Iterator[Pair]:
            """What is to be computed; it ends early where there is no room."""
            while has_room() and (some := list(itertools.islice(asked, _ASKED_TOGETHER))):
                known = iter(self._known_scores([one for one in some if one is not None]))
                for one in some:
                    its = None if one is None else next(known) or _AWAITED
                    passed.append(its)
                    if one is not None and its is _AWAITED:
                        yield one

        for first in rest:
            for fresh in self._kept_soon(self._computed(unknown(itertools.chain([first], rest)))):
                yield from _until_awaited(passed)
                yield fresh
            yield from _until_awaited(passed)

    def _known_scores(self, pairs: Sequence[Pair]) -> list[Scores | None]:
        if self._kept is None:
            return [None for _ in pairs]
        return self._kept.scores(pairs, complete=self._complete)

    def hashes(
        self, wanted: Mapping[int, Sequence[Variant]], tiffs: Sequence[TiffHash]
    ) -> Iterator[tuple[int, list[Query] | UnreadableImageError]]:
        """Variants with their hashes, in order, of each TIFF, by its number in `tiffs`."""
        known = {i: self._known_hashes(tiffs[i], own) for i, own in wanted.items()}
        new = {
            i: [one for one in own if str(one) not in known[i]]
            for i, own in wanted.items()
            if len(known[i]) < len(own)
        }
        for i, result in self._hashed(new, tiffs):
            if isinstance(result, UnreadableImageError):
                del known[i]
                yield i, result
            else:
                known[i] |= {str(one): np.stack(bits) for one, *bits in result}
        for i, own in known.items():
            yield i, [(one, *own[str(one)]) for one in wanted[i]]

    def nearest(
        self, hashes: str, query: NDArray[np.uint8], base: NDArray[np.uint8], *, k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """As `search.nearest`; `hashes` says which of an image they are."""
        known = None if self._kept is None else self._kept.nearest(hashes, query, base, k)
        if known is None:
            known = search.nearest(query, base, k=k)
            if self._kept is not None:
                self._kept.keep_nearest(hashes, query, base, k, known)
        return known

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(
            limits=self._settings.read_limits,
            complete=self._complete,
            window=self._settings.window,
            engine=self._settings.engine,
        )

    def _kept_soon(self, results: Iterable[tuple[Pair, Scored]]) -> Iterator[Scored]:
        """The scores of `results`, each kept soon after it is there."""
        waiting: list[tuple[Pair, Scores]] = []
        for pair, result in results:
            if isinstance(result, Scores):
                waiting.append((pair, result))
            if len(waiting) == _KEPT_TOGETHER:
                self._keep_scores(waiting)
                waiting = []
            yield result
        self._keep_scores(waiting)

    def _keep_scores(self, found: Sequence[tuple[Pair, Scores]]) -> None:
        if self._kept is not None and found:
            self._kept.keep_scores(found, complete=self._complete)

    def _computed(self, pairs: Iterator[Pair]) -> Iterable[tuple[Pair, Scored]]:
        settings, first = self._settings, next(pairs, None)
        if first is None:
            return ()
        pairs = itertools.chain([first], pairs)
        if settings.device == "cpu":
            chunk = _TASK if is_elsewhere(settings.cluster) else _CHUNK
            return self.crew.map(self._scorer.score, pairs, what="", chunk=chunk)
        from backlabel.matching import on_device, tensors  # noqa: PLC0415 - torch takes seconds

        bounds = tensors.Bounds(settings.device, settings.batch_size, settings.memory_mib)
        if is_elsewhere(settings.cluster):
            return on_device.score_there(pairs, self._scorer, self.crew, bounds)
        return on_device.score(pairs, self._scorer, self.crew, bounds, chunk=_CHUNK)

    def _known_hashes(
        self, tiff: TiffHash, wanted: Sequence[Variant]
    ) -> dict[str, NDArray[np.uint8]]:
        if self._kept is None:
            return {}
        return self._kept.hashes((tiff.sha256, tiff.page), [str(one) for one in wanted])

    def _hashed(
        self, wanted: Mapping[int, Sequence[Variant]], tiffs: Sequence[TiffHash]
    ) -> Iterator[tuple[int, list[Query] | UnreadableImageError]]:
        if not wanted:
            return
        tasks = [Changed(*tiffs[i].key, tiffs[i].sha256, tuple(own)) for i, own in wanted.items()]
        results = self.crew.map(self._scorer.hashes, tasks, what="variants", chunk=1)
        for i, (task, result) in zip(wanted, results, strict=True):
            if self._kept is not None and not isinstance(result, UnreadableImageError):
                self._kept.keep_hashes(
                    ((task.sha256, task.page), str(one), np.stack(bits)) for one, *bits in result
                )
            yield i, result


def _until_awaited(passed: deque[Scores | _Awaited | None]) -> Iterator[Scores | None]:
    """Takes out what comes before the next one that is computed, and that one."""
    while passed and not isinstance(one := passed.popleft(), _Awaited):
        yield one
