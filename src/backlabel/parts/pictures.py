"""What is left over of a table: pictures by number, one for all rows with the same pixels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.storage import batches, columns
from backlabel.storage.rows import TiffHash

Numbers: TypeAlias = NDArray[np.int64]
"""Of rows of a table, or of pictures; ascending."""
Pairs: TypeAlias = NDArray[np.int32]
"""(n, 2), the numbers of a TIFF's picture and of a JPEG's; ascending, and none twice."""
_PAGE_BYTES = 4
_CONTENT_BYTES = batches.PACKED["sha256"] + _PAGE_BYTES


class Pictures:
    """The rows `left` of a table, numbered in the order of their contents.

    A content is what pixels depend on: the SHA-256 of a file, and the page there.
    """

    def __init__(self, table: Sequence[TiffHash], left: Numbers) -> None:
        rows = columns.taken(table, left)
        pages = np.fromiter(columns.values(rows, "page"), ">u4", len(rows))
        parts = columns.packed(rows, "sha256"), pages.view(np.uint8).reshape(-1, _PAGE_BYTES)
        every = np.concatenate(parts, axis=1).view(f"S{_CONTENT_BYTES}").ravel()
        contents, first, numbers = np.unique(every, return_index=True, return_inverse=True)
        self.contents = contents.view(np.uint8).reshape(-1, _CONTENT_BYTES)
        """(pictures, bytes)"""
        self.rows = columns.taken(rows, first)
        """One for each picture."""
        self.of_row = np.full(len(table), -1)
        """The picture of each row of the table; -1 where it is not left over."""
        self.of_row[left] = numbers
        self._order = np.argsort(self.of_row, kind="stable")

    def __len__(self) -> int:
        return len(self.contents)

    def content(self, number: int) -> bytes:
        """The content of a picture."""
        return bytes(self.contents[number])

    def rows_of(self, number: int) -> list[int]:
        """The rows of the table that are the picture, ascending."""
        first, last = (
            np.searchsorted(self.of_row, number, side, sorter=self._order)
            for side in ("left", "right")
        )
        found: list[int] = self._order[first:last].tolist()
        return found


def as_pairs(found: Iterable[tuple[int, int]]) -> Pairs:
    """The same, packed, in their order."""
    return np.fromiter(itertools.chain.from_iterable(found), np.int32).reshape(-1, 2)
