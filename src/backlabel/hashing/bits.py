"""Hashes as values: packed bits, their text, and what one image has of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HASH_SIDE = 32
"""Rows and columns of coefficients that a hash is made from."""
SIDE = 4 * HASH_SIDE
"""Pixels a side of the image that the DCT sees; 4 as imagehash has it."""
HASH_BYTES = HASH_SIDE * HASH_SIDE // 8
Bits = NDArray[np.uint8]
"""(128,): 1,024 bits packed most significant bit first, row-major."""


@dataclass(frozen=True)
class Hashes:
    """Both hashes of an image, and why they may mean nothing."""

    standardised: Bits
    grey: Bits
    information: str
    """Empty for an ordinary image, else why it must never match; see `information`."""


def to_hex(bits: Bits) -> str:
    """As `str(imagehash.ImageHash)` writes it: 256 digits."""
    if bits.shape != (HASH_BYTES,):
        raise ValueError(f"a hash is {HASH_BYTES} bytes, not {bits.shape}")
    return bits.tobytes().hex()


def from_hex(text: str) -> Bits:
    """What `to_hex` made `text` from. Raises ValueError for anything else."""
    packed = bytes.fromhex(text)
    if len(text) != 2 * HASH_BYTES or len(packed) != HASH_BYTES:
        raise ValueError(f"a hash is {2 * HASH_BYTES} hexadecimal digits, not {len(text)}")
    return np.frombuffer(packed, np.uint8)


def from_hexes(texts: Sequence[str]) -> NDArray[np.uint8]:
    """(n, 128): one hash a row."""
    rows = [from_hex(text) for text in texts]
    return np.stack(rows) if rows else np.empty((0, HASH_BYTES), np.uint8)
