"""The scores of a pair against the limits in force, and how near the verdict was."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel import config
from backlabel.storage.rows import Match

_BITS_SHOWN = 1.5  # of the limit: where the bar of a distance ends


@dataclass(frozen=True)
class Bar:
    """One score; `share` and `limit_share` say where value and limit lie on the bar, 0..1.

    `passes` is None where no limit in force asks for the score.
    """

    name: str
    value: float
    share: float
    limit: float | None = None
    limit_share: float | None = None
    passes: bool | None = None


@dataclass(frozen=True)
class _Score:
    field: str
    name: str
    limit: str | None


_DISTANCE = _Score("hamming_distance", "Hamming distance (bits of 1,024)", "hamming_threshold")
_SCORES = (
    _Score("explained", "explained share of the JPEG", "min_explained"),
    _Score("spoke", "share of the picture that spoke", "min_spoke"),
    _Score("ssim_value", "SSIM (standardised images)", "min_ssim"),
)
_LEAD = _Score("margin", "lead over the runner-up", "min_margin")


def bars(row: Match, compare: config.Compare) -> list[Bar]:
    """The scores that `row` has, those with a limit in force marked with it."""
    unread = config.without_effect(compare)
    found = []
    if row.hamming_distance is not None:
        limit = compare.hamming_threshold
        most = max(limit * _BITS_SHOWN, row.hamming_distance, 1)
        distance = row.hamming_distance
        found.append(
            Bar(_DISTANCE.name, distance, distance / most, limit, limit / most, distance < limit)
        )
    for score in (*_SCORES, _LEAD):
        value = getattr(row, score.field)
        if value is None:
            continue
        share = min(max(value, 0.0), 1.0)
        if score.limit is None or f"compare.{score.limit}" in unread:
            found.append(Bar(score.name, value, share))
        else:
            least = getattr(compare, score.limit)
            found.append(
                Bar(score.name, value, share, least, min(max(least, 0.0), 1.0), value >= least)
            )
    return found


def slack(row: Match, compare: config.Compare) -> float | None:
    """By how much the pair passes (above 0) or fails: the least over the limits in force.

    Scores count as they are, a distance relative to its limit. None where nothing was measured.
    """
    unread = config.without_effect(compare)
    found = []
    if row.hamming_distance is not None:
        limit = compare.hamming_threshold
        found.append((limit - row.hamming_distance) / max(limit, 1))
    for score in _SCORES:
        value = getattr(row, score.field)
        if value is not None and score.limit and f"compare.{score.limit}" not in unread:
            found.append(value - getattr(compare, score.limit))
    return min(found, default=None)


def shown(row: Match) -> str:
    """The verdict and the scores of `row` in one line: where it differs, people are asked again."""
    values = [row.verdict.value]
    for score in (_DISTANCE, *_SCORES):
        value = getattr(row, score.field)
        if value is not None:
            values.append(f"{score.field} {value:.3f}".removesuffix(".000"))
    return "; ".join(values)
