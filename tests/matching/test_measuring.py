"""Scores that are known, and others that workers compute, come in the order of the pairs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import pytest

from backlabel import config
from backlabel.errors import UnreadableImageError
from backlabel.matching.evidence import Pair, Scores
from backlabel.matching.kept import kept_for
from backlabel.matching.measuring import Measuring
from backlabel.stages import compare

MOST_WAITING = 7_000
"""Pairs that may have been taken and not have come back, of any number."""


def pair(number: int) -> Pair:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return Pair(f"{number}.tif", f"{number}.jpg", "identity", digest, digest)


def scores(one: Pair) -> Scores:
    return Scores(int(one.tiff_sha256[:8], 16) / 2**32, 0.5, 0.25, "nothing")


class Crew:
    """Workers of which each result comes when `UNDER_WAY` further items have been taken."""

    UNDER_WAY = 32

    def __init__(self) -> None:
        self.asked = 0

    def map(self, function, items, **_):
        waiting = []
        for one in items:
            self.asked += 1
            waiting.append(one)
            if len(waiting) > self.UNDER_WAY:
                yield waiting[0], self.result(waiting.pop(0))
        yield from ((one, self.result(one)) for one in waiting)

    def result(self, one):
        if one.tiff == "13.tif":
            return UnreadableImageError("damaged", "it ends too early")
        return scores(one)


@pytest.fixture
def settings():
    return compare.settings(config.load())


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.999, 1.0])
def test_known_and_computed_ones_come_in_order(tmp_path, settings, share) -> None:
    draw = random.Random(5)
    pairs = [pair(number) for number in range(20_000)]
    known = [one for one in pairs if draw.random() < share and one.tiff != "13.tif"]
    kept = kept_for(settings, tmp_path)
    kept.keep_scores(((one, scores(one)) for one in known), complete=True)
    crew = Crew()
    taken = 0

    def stream() -> Iterator[Pair | None]:
        nonlocal taken
        for one in asked:
            taken += 1
            yield one

    asked = [own for one in pairs for own in ((None, one) if draw.random() < 0.3 else (one,))]
    found = Measuring(settings, crew, kept).scores(stream())
    for back, (one, its) in enumerate(zip(asked, found, strict=True)):
        assert taken - back < MOST_WAITING
        if one is None:
            assert its is None
        elif one.tiff == "13.tif":
            assert isinstance(its, UnreadableImageError)
        else:
            assert its == scores(one)
    assert crew.asked == len(pairs) - len(known)
    after = kept.scores(pairs, complete=True)
    assert [one.tiff for one, its in zip(pairs, after, strict=True) if its is None] == ["13.tif"]


def test_without_a_cache_all_are_computed(settings) -> None:
    crew = Crew()
    pairs = [pair(number) for number in range(14)]
    found = [*Measuring(settings, crew, None).scores(pairs)]
    assert found[:13] == [*map(scores, pairs[:13])]
    assert found[13].reason == "damaged"
