"""From one TIFF's candidates and their scores to a verdict that carries its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of one TIFF."""

    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    TOO_DIFFERENT = "too different"
    NOT_VERIFIED = "not verified"
    NO_CANDIDATE = "no candidate"
    UNREADABLE = "unreadable"


class Rule(StrEnum):
    """What accepts a candidate; see `decide`."""

    SEED = "seed"
    SSIM = "ssim"
    COMBINED = "combined"


@dataclass(frozen=True)
class Candidate:
    """One JPEG that a TIFF may be the original of. Scores are None where not computed."""

    row: int
    """Row of the JPEG in its table."""
    hamming: int
    """Bits of 1,024 between the hashes of the standardised images."""
    hamming_grey: int | None = None
    """The same between the hashes of the plain grey images."""
    variant: str = "identity"
    """By which change of the TIFF the JPEG was found; see `variants`."""
    label: str = ""
    """Label of the JPEG."""
    ssim: float | None = None
    """SSIM of the standardised images."""
    ssim_matched: float | None = None
    """SSIM of the grey images after the JPEG's histogram is matched to the TIFF's."""
    residual: float | None = None
    """Median over blocks of the correlation of the high-pass residuals."""

    @property
    def distance(self) -> int:
        """The smaller of the two Hamming distances: the one that decides."""
        return self.hamming if self.hamming_grey is None else min(self.hamming, self.hamming_grey)


@dataclass(frozen=True)
class Limits:
    """What a candidate must reach."""

    hamming_threshold: int
    """A candidate's distance lies below this (exclusive)."""
    ssim_hamming_threshold: int
    """Its scores count when its distance lies below this (exclusive)."""
    min_ssim: float
    """Rule `ssim`: least SSIM of the standardised images (inclusive)."""
    min_residual: float
    """Rule `combined`: least residual correlation (inclusive)."""
    min_ssim_matched: float
    """Rule `combined`: least SSIM after histogram matching (inclusive)."""
    min_margin: float
    """Rule `combined`: least lead in residual correlation over another acceptable JPEG."""


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason and the candidates that it rests on."""

    verdict: Verdict
    reason: str
    """One sentence, with the numbers that decided."""
    chosen: Candidate | None = None
    runner_up: Candidate | None = None
    """The next best candidate that is another JPEG."""
    margin: float | None = None
    """Lead of the chosen one's deciding score (SSIM, or residual correlation under `combined`)."""
    label_certain: bool = False
    """All acceptable candidates carry the chosen one's label, even where the pair is ambiguous."""


def decide(candidates: Iterable[Candidate], limits: Limits, rule: Rule) -> Decision:
    """The verdict on one TIFF, whatever the order of `candidates`.

    All rules look only at candidates below `hamming_threshold`; the best is chosen by its deciding
    score among those that were scored (below `ssim_hamming_threshold`), else by distance. Equal
    scores: lower distance, then lower row.

    - `seed` accepts every scored best candidate, as the earlier scripts did.
    - `ssim` also asks for `min_ssim`.
    - `combined` decides by residual correlation, asks for `min_residual` and `min_ssim_matched`,
      and for a lead of `min_margin` over any other JPEG that would pass too.
    """
    near = [one for one in candidates if one.distance < limits.hamming_threshold]
    if not near:
        reason = f"No JPEG lies below {limits.hamming_threshold} differing bits."
        return Decision(Verdict.NO_CANDIDATE, reason)
    ranked = _ranked(near, limits, rule)
    chosen, others = ranked[0], ranked[1:]
    rivals = [one for one in others if _is_rival(one, chosen, limits, rule)]
    verdict, reason = _verdict(chosen, rivals, limits, rule)
    return Decision(
        verdict=verdict,
        reason=reason,
        chosen=chosen,
        runner_up=others[0] if others else None,
        margin=_lead(chosen, others[0], limits, rule) if others else None,
        label_certain=verdict in {Verdict.MATCHED, Verdict.AMBIGUOUS}
        and all(one.label == chosen.label for one in rivals),
    )


def _verdict(
    chosen: Candidate, rivals: Sequence[Candidate], limits: Limits, rule: Rule
) -> tuple[Verdict, str]:
    score = _score(chosen, limits, rule)
    if score is None:
        return Verdict.NOT_VERIFIED, (
            f"{chosen.distance} bits differ; scores count below {limits.ssim_hamming_threshold}."
        )
    fault = _fault(chosen, limits, rule)
    if fault:
        return Verdict.TOO_DIFFERENT, fault
    if rivals:
        lead = _lead(chosen, rivals[0], limits, rule)
        return Verdict.AMBIGUOUS, (
            f"{len(rivals)} other JPEG(s) would pass too, the nearest {lead:.3f} behind;"
            f" {limits.min_margin} is needed."
        )
    return Verdict.MATCHED, f"{_SCORE_NAMES[rule]} {score:.3f} at {chosen.distance} bits."


def _ranked(near: Sequence[Candidate], limits: Limits, rule: Rule) -> list[Candidate]:
    """Best first, each JPEG once, by its best variant."""

    def order(one: Candidate) -> tuple[float, int, int, str]:
        score = _score(one, limits, rule)
        unscored = score is None or math.isnan(score)
        return (math.inf if unscored else -(score or 0.0), one.distance, one.row, one.variant)

    best: dict[int, Candidate] = {}
    for one in sorted(near, key=order):
        best.setdefault(one.row, one)
    return list(best.values())


def _score(one: Candidate, limits: Limits, rule: Rule) -> float | None:
    """The score that ranks, or None where it does not count."""
    if one.distance >= limits.ssim_hamming_threshold:
        return None
    if rule is not Rule.COMBINED:
        return one.ssim
    return None if one.ssim_matched is None else one.residual


def _fault(one: Candidate, limits: Limits, rule: Rule) -> str:
    """Why a scored candidate is refused; empty where it is not."""
    if rule is Rule.SSIM:
        return _shortfall("SSIM", one.ssim, limits.min_ssim)
    if rule is Rule.COMBINED:
        return _shortfall("Residual correlation", one.residual, limits.min_residual) or _shortfall(
            "SSIM after histogram matching", one.ssim_matched, limits.min_ssim_matched
        )
    return ""


def _shortfall(name: str, score: float | None, least: float) -> str:
    if score is not None and score >= least:  # a NaN is not
        return ""
    return f"{name} {score:.3f} is below {least}." if score is not None else f"No {name}."


def _is_rival(one: Candidate, chosen: Candidate, limits: Limits, rule: Rule) -> bool:
    if rule is not Rule.COMBINED or _score(one, limits, rule) is None:
        return False
    lead = _lead(chosen, one, limits, rule)
    return not _fault(one, limits, rule) and lead is not None and lead < limits.min_margin


def _lead(chosen: Candidate, other: Candidate, limits: Limits, rule: Rule) -> float | None:
    ahead, behind = _score(chosen, limits, rule), _score(other, limits, rule)
    return None if ahead is None or behind is None else ahead - behind


_SCORE_NAMES = {Rule.SEED: "SSIM", Rule.SSIM: "SSIM", Rule.COMBINED: "Residual correlation"}
