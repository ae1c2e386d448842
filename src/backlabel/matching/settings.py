"""How to match: what the engine and those who work for it need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backlabel.hashing.information import NOISE
from backlabel.images.picture import Limits as ReadLimits
from backlabel.matching.decide import Limits, Rule
from backlabel.storage.rows import TiffHash

if TYPE_CHECKING:
    from backlabel.matching.scoring import Engine
    from backlabel.matching.ssim import Window
    from backlabel.workers.cluster import Cluster


@dataclass(frozen=True)
class Settings:
    """How to match; the parameters of the same names say more."""

    rule: Rule
    limits: Limits
    top_k: int
    both_hashes: bool
    index_from: int
    variants: tuple[str, ...]
    window: Window
    engine: Engine
    device: str
    """`cpu`, or a device of torch."""
    batch_size: int
    memory_mib: int
    read_limits: ReadLimits
    max_seconds: float
    """For one image."""
    max_memory_mib: int
    """For one pair, in its worker process."""
    cluster: Cluster | None = None

    def compares(self, row: TiffHash) -> bool:
        """Whether an image is searched by its hash."""
        return self.trusts(row.information)

    def trusts(self, information: str) -> bool:
        """Whether a hash of which `information` is said is searched.

        The hash of a flat or tiny one says nothing. What looks like noise, as dense spheres do, is
        kept from matching by chance where nothing but hash and SSIM decide; the verifier of the
        combined rule tells it from its like.
        """
        by_verifier = self.rule is Rule.COMBINED and information == NOISE
        return not information or by_verifier
