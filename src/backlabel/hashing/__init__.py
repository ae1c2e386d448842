"""Standardising, perceptual hashes, what is too flat to match, and the cache of hashes.

What computes is imported when it is first asked for: a run that knows all hashes computes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backlabel.hashing.bits import Hashes, from_hex, from_hexes, to_hex

if TYPE_CHECKING:
    from backlabel.hashing.levels import histogram, standardise
    from backlabel.hashing.perceptual import frequencies, hash_image, hash_of, phash

__all__ = [
    "Hashes",
    "frequencies",
    "from_hex",
    "from_hexes",
    "hash_image",
    "hash_of",
    "histogram",
    "phash",
    "standardise",
    "to_hex",
]
_LEVELS = {"histogram", "standardise"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from backlabel.hashing import levels, perceptual  # noqa: PLC0415

    return getattr(levels if name in _LEVELS else perceptual, name)
