"""Which JPEGs have features like those of a TIFF: an index on disk, in shards of bounded size.

Each shard is faiss's inverted file over descriptors of 8 bits, read through a memory map. Its cells
are around descriptors that are drawn from it: no training, and the same result every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from backlabel.parts.features import DIMENSIONS, Descriptors

SHARD = 1_000_000  # descriptors: 128 MB, and as much again while the shard is made
_CELLS_FOR = 4.0  # cells of n descriptors: this times the root of n
_PROBES = 12  # cells that are searched for one descriptor
_NEIGHBOURS = 6
_RATIO = 0.85**2  # squared: how much nearer than the last neighbour one must be to say something
_ADDED = 65_536  # descriptors at a time: faiss takes them as floats
_ASKED = 32_768


class Index:
    """Descriptors of JPEGs below `folder`, which is the caller's to delete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: list[tuple[Path, NDArray[np.int64], NDArray[np.int64]]] = []
        """Descriptors, the rows of their JPEGs, and where the descriptors of each row end."""

    def fill(self, descriptors: Iterable[tuple[int, Descriptors]]) -> None:
        """Add the descriptors of each JPEG, given with its row."""
        waiting: list[tuple[int, Descriptors]] = []
        count = 0
        for row, own in descriptors:
            waiting.append((row, own))
            count += len(own)
            if count >= SHARD:
                self._write(waiting)
                waiting, count = [], 0
        if count:
            self._write(waiting)

    def votes(
        self, queries: Sequence[Descriptors], *, most: int, least: int
    ) -> list[list[tuple[int, int]]]:
        """For each query the JPEGs that most of its descriptors speak for, with their number.

        At most `most`, the first the best (equal: the lower row), each with `least` votes or more.
        """
        totals: list[dict[int, int]] = [{} for _ in queries]
        owner = np.repeat(np.arange(len(queries)), [len(own) for own in queries])
        if len(owner):
            flat = np.concatenate(queries)
            for path, rows, ends in self._shards:
                for query, jpeg, count in _spoken_for(_opened(path), rows, ends, flat, owner):
                    totals[query][jpeg] = count
        return [
            sorted(
                ((jpeg, count) for jpeg, count in own.items() if count >= least),
                key=lambda one: (-one[1], one[0]),
            )[:most]
            for own in totals
        ]

    def _write(self, of_jpegs: Sequence[tuple[int, Descriptors]]) -> None:
        descriptors = np.concatenate([own for _, own in of_jpegs])
        cells = max(1, min(len(descriptors), round(_CELLS_FOR * len(descriptors) ** 0.5)))
        drawn = np.random.default_rng(0).permutation(len(descriptors))[:cells]
        around = faiss.IndexFlatL2(DIMENSIONS)
        around.add(descriptors[np.sort(drawn)].astype(np.float32))
        index = faiss.IndexIVFScalarQuantizer(
            around, DIMENSIONS, cells, faiss.ScalarQuantizer.QT_8bit_direct
        )
        index.train(descriptors[:1].astype(np.float32))  # the cells are known: nothing is learnt
        for start in range(0, len(descriptors), _ADDED):
            index.add(descriptors[start : start + _ADDED].astype(np.float32))
        path = self._folder / f"{len(self._shards)}.faiss"
        faiss.write_index(index, str(path))
        rows, counts = np.array([(row, len(own)) for row, own in of_jpegs]).T
        self._shards.append((path, rows, np.cumsum(counts)))


def _opened(path: Path) -> faiss.IndexIVF:
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)  # of its own class already
    assert isinstance(index, faiss.IndexIVF)
    index.nprobe = _PROBES
    return index


def _spoken_for(
    index: faiss.IndexIVF,
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
    flat: Descriptors,
    owner: NDArray[np.intp],
) -> Iterator[tuple[int, int, int]]:
    """Query, JPEG and how many descriptors of the one have a clear neighbour in the other.

    A neighbour is clear if it is much nearer than the last of several: what many JPEGs have, like
    the letters of a databar, speaks for none of them.
    """
    jpegs = int(rows.max()) + 1
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(flat), _ASKED):
        asked = flat[start : start + _ASKED].astype(np.float32)
        far, near = index.search(asked, _NEIGHBOURS)
        known = near >= 0
        last = np.where(known, far, 0).max(axis=1, keepdims=True)
        clear = known & ((far < _RATIO * last) | (known.sum(axis=1, keepdims=True) == 1))
        query, _ = np.nonzero(clear)
        # A descriptor speaks for a JPEG once, however many of its features are alike.
        jpeg = rows[np.searchsorted(ends, near[clear], side="right")]
        spoken = np.unique((query + start) * jpegs + jpeg)
        found.append(owner[spoken // jpegs] * jpegs + spoken % jpegs)
    pairs, counts = np.unique(np.concatenate(found), return_counts=True)
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        yield *divmod(pair, jpegs), count
