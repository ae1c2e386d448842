"""Exact nearest neighbours by Hamming distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HASH_BYTES = 128
"""Bytes of a packed hash of 1,024 bits."""
_FEW = 1 << 24
"""Pairs of hashes that NumPy compares before numba is imported and has loaded its kernels."""
_ABOVE_ALL = 8 * HASH_BYTES + 1


def nearest(
    query: NDArray[np.uint8], base: NDArray[np.uint8], *, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The `k` rows of `base` nearest to each row of `query`, nearest first.

    `query` (n, 128) and `base` (m, 128) are packed hashes. Returns rows of `base` and distances in
    bits, both (n, min(k, m)). Of equally distant rows the lower one comes first. Besides its result
    it holds one rearranged copy of `base`. Raises ValueError on other shapes or types, or k < 1.
    """
    check(query, base, k)
    kept = min(k, len(base))
    index = np.zeros((len(query), kept), np.int64)
    distance = np.full((len(query), kept), _ABOVE_ALL, np.int32)
    if len(query) * len(base) <= _FEW:
        by_word = np.ascontiguousarray(_words(base).T)
        for i, one in enumerate(_words(query)):
            bits = np.bitwise_count(one[:, np.newaxis] ^ by_word).sum(axis=0, dtype=np.uint16)
            index[i] = np.argsort(bits, kind="stable")[:k]
            distance[i] = bits[index[i]]
        return index, distance
    from backlabel.kernels import hamming  # noqa: PLC0415 - as said of _FEW

    hamming.search(_words(query), _columns(base), len(base), index, distance)
    return index, distance


def nearest_reference(
    query: NDArray[np.uint8], base: NDArray[np.uint8], *, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The same as `nearest`, slowly and obviously: every distance, sorted."""
    check(query, base, k)
    index = np.zeros((len(query), min(k, len(base))), np.int64)
    distance = np.zeros(index.shape, np.int32)
    for i, one in enumerate(query):
        bits = np.bitwise_count(one ^ base).sum(axis=1, dtype=np.int32)
        index[i] = np.argsort(bits, kind="stable")[:k]
        distance[i] = bits[index[i]]
    return index, distance


def check(query: NDArray[np.uint8], base: NDArray[np.uint8], k: int) -> None:
    """Raise ValueError unless both are packed hashes and k is positive."""
    for name, hashes in (("query", query), ("base", base)):
        if hashes.dtype != np.uint8 or hashes.shape[1:] != (HASH_BYTES,):
            raise ValueError(
                f"{name}: {hashes.dtype} {hashes.shape}, expected uint8 (n, {HASH_BYTES})"
            )
    if k < 1:
        raise ValueError(f"k is {k}, expected 1 or more")


def _words(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)


def _columns(base: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """`base` in blocks (b, 16, BLOCK_ROWS), so that neighbouring rows lie side by side."""
    from backlabel.kernels import hamming  # noqa: PLC0415 - as above

    rows = hamming.BLOCK_ROWS
    padded = np.zeros((-(-len(base) // rows) * rows, hamming.WORDS), np.uint64)
    padded[: len(base)] = _words(base)
    return np.ascontiguousarray(padded.reshape(-1, rows, hamming.WORDS).transpose(0, 2, 1))
