"""Standardising, perceptual hashes, what is too flat to match, and the cache of hashes."""

from backlabel.hashing.bits import Hashes, from_hex, from_hexes, to_hex
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
