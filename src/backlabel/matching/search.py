"""Exact nearest neighbours by Hamming distance."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint8]
"""(n, 128): packed hashes."""
HASH_BYTES = 128
"""Bytes of a packed hash of 1,024 bits."""
_FEW = 1 << 24
"""Pairs of hashes that NumPy compares before numba is imported and has loaded its kernels."""
_TOGETHER = 8192  # rows of the base that are rearranged at a time: 1 MiB
_ABOVE_ALL = 8 * HASH_BYTES + 1


def nearest(query: Hashes, base: Hashes, *, k: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The `k` rows of `base` nearest to each row of `query`, nearest first.

    `query` (n, 128) and `base` (m, 128) are packed hashes. Returns rows of `base` and distances in
    bits, both (n, min(k, m)). Of equally distant rows the lower one comes first. Raises ValueError
    on other shapes or types, or k < 1.
    """
    check(query, base, k)
    kept = min(k, len(base))
    index = np.zeros((len(query), kept), np.int64)
    distance = np.full((len(query), kept), _ABOVE_ALL, np.int32)
    put = _put_few if len(query) * len(base) <= _FEW else _put_many
    for start in range(0, len(base), _TOGETHER):
        index -= start  # as the rows that are put: counted from here
        put(query, base[start : start + _TOGETHER], index, distance)
        index += start
    return index, distance


def _put_few(
    query: Hashes, base: Hashes, index: NDArray[np.int64], distance: NDArray[np.int32]
) -> None:
    """Put the rows of `base` that are near among those that are there, which are lower."""
    by_word = np.ascontiguousarray(_words(base).T)
    for i, one in enumerate(_words(query)):
        bits = np.bitwise_count(one[:, np.newaxis] ^ by_word).sum(axis=0, dtype=np.uint16)
        every = np.concatenate([distance[i].astype(np.uint16), bits])
        order = np.argsort(every, kind="stable")[: len(distance[i])]
        index[i], distance[i] = (
            np.concatenate([index[i], np.arange(len(bits))])[order],
            every[order],
        )


def _put_many(
    query: Hashes, base: Hashes, index: NDArray[np.int64], distance: NDArray[np.int32]
) -> None:
    """The same, compiled."""
    from backlabel.kernels import hamming  # noqa: PLC0415 - as said of _FEW

    hamming.search(_words(query), _columns(base), len(base), index, distance)


def nearest_reference(
    query: Hashes, base: Hashes, *, k: int
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


def check(query: Hashes, base: Hashes, k: int) -> None:
    """Raise ValueError unless both are packed hashes and k is positive."""
    for name, hashes in (("query", query), ("base", base)):
        if hashes.dtype != np.uint8 or hashes.shape[1:] != (HASH_BYTES,):
            raise ValueError(
                f"{name}: {hashes.dtype} {hashes.shape}, expected uint8 (n, {HASH_BYTES})"
            )
    if k < 1:
        raise ValueError(f"k is {k}, expected 1 or more")


def _words(hashes: Hashes) -> NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)


def _columns(base: Hashes) -> NDArray[np.uint64]:
    """`base` in blocks (b, 16, BLOCK_ROWS), so that neighbouring rows lie side by side."""
    from backlabel.kernels import hamming  # noqa: PLC0415 - as above

    words, short = _words(base), -len(base) % hamming.BLOCK_ROWS
    if short:
        words = np.vstack([words, np.zeros((short, hamming.WORDS), np.uint64)])
    blocks = words.reshape(-1, hamming.BLOCK_ROWS, hamming.WORDS)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1))
