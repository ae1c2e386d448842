"""Timing of alternatives in turn, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of every call in each round; short calls are repeated for a twentieth of a second."""
    repeats = {}
    for name, call in calls.items():
        call()
        repeats[name] = max(1, round(0.05 / seconds(call)))
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(median(seconds(call) for _ in range(repeats[name])))
    return found


def ratio(slow: list[float], fast: list[float]) -> float:
    """Median over the rounds of how many times longer `slow` took in the same round."""
    return median(s / f for s, f in zip(slow, fast, strict=True))
