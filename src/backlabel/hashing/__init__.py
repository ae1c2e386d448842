"""Standardising, perceptual hashes, the quality gate and the cache of both."""

from backlabel.hashing.phash import Hashes, from_hex, from_hexes, hash_image, phash, to_hex
from backlabel.hashing.standardise import standardise

__all__ = ["Hashes", "from_hex", "from_hexes", "hash_image", "phash", "standardise", "to_hex"]
