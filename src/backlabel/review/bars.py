"""The scores of a pair against the limits in force, and how near the verdict was."""

from __future__ import annotations

from dataclasses import dataclass

from backlabel import config
from backlabel.matching.placing import placement
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
    limit: str


_DISTANCE = _Score("hamming_distance", "Hamming distance (bits of 1,024)", "hamming_threshold")
_SCORES = (
    _Score("explained", "explained share of the JPEG", "min_explained"),
    _Score("spoke", "share of the picture that spoke", "min_spoke"),
    _Score("ssim_value", "SSIM (standardised images)", "min_ssim"),
)
_COVERED = _Score("TIFF_covered", "share of the TIFF that the JPEG shows", "min_part_share")
_LEAD = _Score("margin", "lead over the runner-up", "min_margin")


def bars(row: Match, compare: config.Compare) -> list[Bar]:
    """The scores that `row` has, those with a limit in force marked with it."""
    limits = _limits(row, compare)
    found = []
    for score in (_DISTANCE, *_SCORES, _COVERED, _LEAD):
        value, limit = getattr(row, score.field), limits.get(score.field)
        if value is None:
            continue
        most = 1.0
        if score is _DISTANCE:
            most = max(compare.hamming_threshold * _BITS_SHOWN, value, 1)
        share = min(max(value / most, 0.0), 1.0)
        if limit is None:
            found.append(Bar(score.name, value, share))
            continue
        passes = value < limit if score is _DISTANCE else value >= limit
        found.append(Bar(score.name, value, share, limit, min(limit / most, 1.0), passes))
    return found


def slack(row: Match, compare: config.Compare) -> float | None:
    """By how much the pair passes (above 0) or fails: the least over the limits in force.

    Scores count as they are, a distance relative to its limit. None where nothing was measured.
    """
    limits = _limits(row, compare)
    found = []
    if row.hamming_distance is not None and _DISTANCE.field in limits:
        limit = limits[_DISTANCE.field]
        found.append((limit - row.hamming_distance) / max(limit, 1))
    for score in (*_SCORES, _COVERED):
        value = getattr(row, score.field)
        if value is not None and score.field in limits:
            found.append(value - limits[score.field])
    return min(found, default=None)


def _limits(row: Match, compare: config.Compare) -> dict[str, float]:
    """The limits that the rule asks of this pair, by score; `matching.decide` says which."""
    unread = config.without_effect(compare)
    found = {
        score.field: float(getattr(compare, score.limit))
        for score in (_DISTANCE, *_SCORES, _COVERED, _LEAD)
        if f"compare.{score.limit}" not in unread
    }
    part = placement(row)
    if part is not None:  # local features found it, whatever its hash
        del found[_DISTANCE.field]
    behind = row.runner_up_explained
    has_rival = behind is not None and behind >= compare.min_explained
    if not has_rival or (part is not None and not part.is_whole):  # an original has many parts
        found.pop(_LEAD.field, None)
    return found


def shown(row: Match) -> str:
    """The verdict and the scores of `row` in one line: where it differs, people are asked again."""
    values = [row.verdict.value]
    for score in (_DISTANCE, *_SCORES):
        value = getattr(row, score.field)
        if value is not None:
            values.append(f"{score.field} {value:.3f}".removesuffix(".000"))
    return "; ".join(values)
