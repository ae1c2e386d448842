"""What the search for parts holds of an image that is left over are numbers, and no objects."""

from __future__ import annotations

import hashlib
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import sample
from backlabel import config
from backlabel.matching import measuring
from backlabel.matching.collected import Collected
from backlabel.matching.engine import Outcome
from backlabel.matching.evidence import Candidate, NearPair, Placement, Scores
from backlabel.parts import index, left_over
from backlabel.parts.features import Features
from backlabel.parts.kept import Found
from backlabel.stages import compare
from backlabel.storage import columns, tables
from backlabel.storage.rows import JpegHash, TiffHash

pytestmark = pytest.mark.slow

FEW, MANY = 2_000, 4_000  # both fill twice what is looked up, read or asked at once
MOST_BYTES = 700
"""A further TIFF with a JPEG may cost beside their tables: 400 were measured, of which 72 are their
contents, and 1,900 when there were objects."""
PART = Found(Placement((0, 0, 1, 1), (0, 0, 1, 1), 1.0, 0.0, False, 0.5, 0.5), Scores(0.9))


class Crew:
    """Has features of images without opening them, and finds a part in every other pair."""

    def map(self, function, items, *, what, chunk=None):
        for item in items:
            if what == "features":
                bits = np.frombuffer(4 * bytes.fromhex(item.sha256), np.uint8)[np.newaxis]
                yield item, Features(np.zeros((1, 2), np.float32), bits, (96, 128)).encoded()
            else:
                yield item, PART if int(Path(item.tiff.path).stem) % 2 else None


def table(path, record, count, **more):
    digests = [hashlib.sha256(f"{path.stem} {i}".encode()).hexdigest() for i in range(count)]
    rows = (
        record(f"{i}", f"x/{i}.x", 4 * one, 4 * one, "", "", 96, 128, one, 1, **more)
        for i, one in enumerate(digests)
    )
    tables.write(path, record, rows)
    return columns.read(path, record)


def test_memory_grows_by_what_is_packed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "workers", lambda settings: nullcontext(Crew()))
    monkeypatch.setattr(index, "SHARD", 1_000)
    monkeypatch.setattr(columns, "_TOGETHER", 500)
    settings = compare.settings(config.load(sample.ROOT / "params.yaml"))

    def peak(count: int) -> list[int]:
        """When all is searched, and when all is kept."""
        tiffs = table(tmp_path / f"{count}_tiffs.csv", TiffHash, count)
        jpegs = table(tmp_path / f"{count}_jpegs.csv", JpegHash, count, category="Tips", label="L9")
        near = ([Candidate(NearPair(i, 50, 50), None, "L9")] for i in range(count))
        outcome = Outcome(tiffs, settings, Collected(near), {})
        peaks = []
        for _ in range(2):
            tracemalloc.start()
            found, effort = left_over.complete(
                outcome, tiffs, jpegs, settings, tmp_path / str(count)
            )
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert effort == left_over.Effort(count, count, 2 * count, count, count // 2)
            assert sum(map(len, found.evidence)) == count + count // 2
        return peaks

    peak(8)  # what is imported and set up once
    few, many = peak(FEW), peak(MANY)
    growth = [(more - less) / (MANY - FEW) for less, more in zip(few, many, strict=True)]
    assert max(growth) < MOST_BYTES
