"""What is left over of a table, as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.parts.pictures import Pictures, as_pairs
from backlabel.storage import columns, tables
from backlabel.storage.rows import TiffHash

ONE, OTHER = "5" * 64, "a0" * 32
CONTENTS = [(OTHER, 1), (ONE, 256), (OTHER, 1), (ONE, 1), (OTHER, 2), (OTHER, 1)]


@pytest.fixture(params=["records", "columns"])
def pictures(request, tmp_path):
    """All rows but that of page 2."""
    bits = "0f" * 128
    rows = [
        TiffHash(f"{i}.tif", f"x/{i}.tif", bits, bits, "", "", 4, 4, sha256, page)
        for i, (sha256, page) in enumerate(CONTENTS)
    ]
    if request.param == "columns":
        tables.write(tmp_path / "tiffs.csv", TiffHash, rows)
        rows = columns.read(tmp_path / "tiffs.csv", TiffHash)
    return Pictures(rows, np.array([0, 1, 2, 3, 5]))


def test_rows_with_the_same_pixels_are_one_picture_in_the_order_of_contents(pictures) -> None:
    assert len(pictures) == 3
    assert [(row.sha256, row.page) for row in pictures.rows] == [(ONE, 1), (ONE, 256), (OTHER, 1)]
    assert [pictures.rows_of(number) for number in range(3)] == [[3], [1], [0, 2, 5]]
    assert pictures.of_row.tolist() == [2, 1, 2, 0, -1, 2]


def test_a_content_is_of_the_file_and_the_page(pictures) -> None:
    assert pictures.content(1) == bytes.fromhex(ONE) + (256).to_bytes(4, "big")
    assert len({pictures.content(number) for number in range(3)}) == 3


def test_pairs_are_packed_in_their_order() -> None:
    assert as_pairs([(3, 1), (0, 2)]).tolist() == [[3, 1], [0, 2]]
    assert as_pairs([]).shape == (0, 2)
