"""Standardising, perceptual hashes, the quality gate and the cache of both."""

from backlabel.hashing.phash import (
    Hashes,
    compile_kernels,
    frequencies,
    from_hex,
    from_hexes,
    hash_image,
    hash_of,
    phash,
    to_hex,
)
from backlabel.hashing.standardise import histogram, standardise

__all__ = [
    "Hashes",
    "compile_kernels",
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
