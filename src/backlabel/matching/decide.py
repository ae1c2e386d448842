"""From one TIFF's candidates and their scores to a verdict that carries its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from backlabel.matching.evidence import Candidate
from backlabel.section import BITS
from backlabel.storage.rows import Verdict

_BEYOND = 2  # times the threshold in force


class Rule(StrEnum):
    """What accepts a candidate; see `decide`."""

    SEED = "seed"
    SSIM = "ssim"
    COMBINED = "combined"


@dataclass(frozen=True)
class Limits:
    """What a candidate must reach."""

    hamming_threshold: int
    """A candidate's distance lies below this (exclusive)."""
    ssim_hamming_threshold: int
    """Its scores count when its distance lies below this (exclusive)."""
    min_ssim: float
    """Rule `ssim`: least SSIM of the standardised images (inclusive)."""
    min_explained: float
    """Rule `combined`: least explained share (inclusive)."""
    min_spoke: float
    """Rule `combined`: least share of the picture that must have spoken (inclusive)."""
    min_margin: float
    """Rule `combined`: least lead in explained share over another JPEG that passes."""
    min_part_share: float = 0.0
    """Least share of a TIFF that a JPEG shows, for its label to be the TIFF's (inclusive)."""

    @property
    def furthest(self) -> int:
        """Bits: no higher Hamming threshold is swept, so no candidate from there on is needed."""
        return min(_BEYOND * self.hamming_threshold, BITS)


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason and the candidates that it rests on."""

    verdict: Verdict
    reason: str
    """One sentence, with the numbers that decided."""
    chosen: Candidate | None = None
    others: tuple[Candidate, ...] = ()
    """The other JPEGs that came near, each by its best candidate, best first."""
    margin: float | None = None
    """Lead of the chosen one's deciding score (SSIM, or explained share under `combined`)."""
    label_certain: bool = False
    """All acceptable candidates carry one label, even where the pair is ambiguous."""
    acceptable: tuple[Candidate, ...] = ()
    """Every JPEG that passes the rule's limits, best first."""

    @property
    def runner_up(self) -> Candidate | None:
        """The next best candidate that is another JPEG."""
        return self.others[0] if self.others else None


def decide(candidates: Iterable[Candidate], limits: Limits, rule: Rule) -> Decision:
    """The verdict on one TIFF, whatever the order of `candidates`.

    All rules look only at candidates below `hamming_threshold`; the best is chosen by its deciding
    score among those that were scored (below `ssim_hamming_threshold`), else by distance. Equal
    scores: lower distance, then lower row. What local features found has no distance to speak of:
    it was registered and scored whatever its hash. A part of a TIFF needs `min_part_share`.

    - `seed` accepts every scored best candidate, as the earlier scripts did.
    - `ssim` also asks for `min_ssim`.
    - `combined` decides by the explained share and asks for `min_explained`; where less than
      `min_spoke` of the picture spoke, the pair is not verified. It is ambiguous when another JPEG
      that passes is less than `min_margin` behind, or carries another label. Parts need no lead: an
      original may have several.
    """
    near = [
        one
        for one in candidates
        if one.pair.part is not None or one.distance < limits.hamming_threshold
    ]
    if not near:
        reason = f"No JPEG lies below {limits.hamming_threshold} differing bits."
        return Decision(Verdict.NO_CANDIDATE, reason)
    ranked = _ranked(near, limits, rule)
    passing = tuple(
        one
        for one in ranked
        if score(one, limits, rule) is not None and not _fault(one, limits, rule)
    )
    chosen = passing[0] if passing else ranked[0]
    verdict, reason = _verdict(chosen, passing, limits, rule)
    others = tuple(one for one in ranked if one.row != chosen.row)
    return Decision(
        verdict=verdict,
        reason=reason,
        chosen=chosen,
        others=others,
        margin=_lead(chosen, others[0], limits, rule) if others else None,
        label_certain=len({one.label for one in passing}) == 1,
        acceptable=passing,
    )


def counts(one: Candidate, limits: Limits) -> bool:
    """Whether the scores of a candidate count: local features found it, or it is near enough."""
    return one.pair.part is not None or one.distance < limits.ssim_hamming_threshold


def score(one: Candidate, limits: Limits, rule: Rule) -> float | None:
    """The score that ranks, or None where it does not count."""
    if not counts(one, limits):
        return None
    if rule is not Rule.COMBINED:
        return one.ssim
    return one.explained if _spoke_enough(one, limits) else None


def _verdict(
    chosen: Candidate, passing: Sequence[Candidate], limits: Limits, rule: Rule
) -> tuple[Verdict, str]:
    best = score(chosen, limits, rule)
    if best is None:
        why = _why_unscored(chosen, limits)
        return Verdict.NOT_VERIFIED, f"{chosen.distance} bits differ; {why}."
    if not passing:
        fault = _fault(chosen, limits, rule)
        is_detail = _fault(chosen, replace(limits, min_part_share=0.0), rule) == ""
        return Verdict.AMBIGUOUS if is_detail else Verdict.TOO_DIFFERENT, fault
    rivalry = _rivalry(passing, limits, rule) if rule is Rule.COMBINED else ""
    if rivalry:
        return Verdict.AMBIGUOUS, rivalry
    where = f"in {_share(chosen)} of it" if chosen.pair.is_part else f"at {chosen.distance} bits"
    return Verdict.MATCHED, f"{_SCORE_NAMES[rule]} {best:.3f} {where}."


def _why_unscored(one: Candidate, limits: Limits) -> str:
    if not counts(one, limits):
        return f"scores count below {limits.ssim_hamming_threshold} bits"
    if one.spoke is None:
        return "it could not be scored: the JPEG cannot be read any more"
    if _spoke_enough(one, limits):
        return "the JPEG states too little by which to tell a copy from another frame"
    return (
        f"only {one.spoke:.0%} of the picture says anything by which to tell a copy from another "
        f"frame; {limits.min_spoke:.0%} are needed"
    )


def _spoke_enough(one: Candidate, limits: Limits) -> bool:
    return one.spoke is not None and one.spoke >= limits.min_spoke


def _rivalry(passing: Sequence[Candidate], limits: Limits, rule: Rule) -> str:
    """Why the best of several that pass is not the only one; empty where it is."""
    chosen = passing[0]
    others = [one for one in passing[1:] if not (chosen.pair.is_part or one.pair.is_part)]
    labels = sorted({one.label for one in passing})
    if len(labels) > 1:
        return f"JPEGs with different labels would pass: {', '.join(labels)}."
    lead = _lead(chosen, others[0], limits, rule) if others else None
    if lead is None or lead >= limits.min_margin:
        return ""
    return f"Another JPEG would pass and is only {lead:.3f} behind; {limits.min_margin} is needed."


def _ranked(near: Sequence[Candidate], limits: Limits, rule: Rule) -> list[Candidate]:
    """Best first, each JPEG once, by its best variant."""

    def order(one: Candidate) -> tuple[float, int, int, str]:
        rank = score(one, limits, rule)
        unscored = rank is None or math.isnan(rank)
        return (math.inf if unscored else -(rank or 0.0), one.distance, one.row, one.pair.variant)

    best: dict[int, Candidate] = {}
    for one in sorted(near, key=order):
        best.setdefault(one.row, one)
    return list(best.values())


def _fault(one: Candidate, limits: Limits, rule: Rule) -> str:
    """Why a scored candidate is refused; empty where it is not."""
    if rule is Rule.SSIM:
        fault = _shortfall("SSIM", one.ssim, limits.min_ssim)
    elif rule is Rule.COMBINED:
        fault = _shortfall("Explained share", one.explained, limits.min_explained)
    else:
        fault = ""
    shown = one.pair.part.tiff_covered if one.pair.part else 1.0
    if fault or shown >= limits.min_part_share:
        return fault
    return (
        f"The JPEG shows {_share(one)} of the TIFF, and its label need not be that of the whole; "
        f"{limits.min_part_share:.0%} is needed."
    )


def _share(one: Candidate) -> str:
    return f"{one.pair.part.tiff_covered:.0%}" if one.pair.part else "all"


def _shortfall(name: str, value: float | None, least: float) -> str:
    if value is not None and value >= least:  # a NaN is not
        return ""
    return f"{name} {value:.3f} is below {least}." if value is not None else f"No {name}."


def _lead(chosen: Candidate, other: Candidate, limits: Limits, rule: Rule) -> float | None:
    ahead, behind = score(chosen, limits, rule), score(other, limits, rule)
    return None if ahead is None or behind is None else ahead - behind


_SCORE_NAMES = {Rule.SEED: "SSIM", Rule.SSIM: "SSIM", Rule.COMBINED: "Explained share"}
