"""Digests of decoded pixels: equal pictures have equal digests, however they are stored."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def digest(samples: NDArray[np.generic]) -> str:
    """SHA-256 of a picture (H, W, channels).

    Over a line of ASCII, `<type> <H> <W> <channels>` with NumPy's name of the little-endian type
    (for instance `<u2 768 1024 1`), a line feed, and the samples row by row, little-endian.
    """
    little = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
    head = " ".join([little.dtype.str, *map(str, little.shape)])
    found = hashlib.sha256(f"{head}\n".encode())
    found.update(little.data)
    return found.hexdigest()
