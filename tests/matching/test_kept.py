"""Evidence that is kept: what it is known by, and what it survives."""

from __future__ import annotations

import numpy as np
import pytest

from backlabel.matching import kept
from backlabel.matching.evidence import Pair, Scores
from backlabel.matching.kept import Kept
from backlabel.matching.search import nearest_reference

ONE = Pair("a.tif", "b.jpg", "identity", "aa" * 32, "bb" * 32)
WHOLE = Scores(0.5, 0.6, 0.7)


@pytest.fixture
def evidence(tmp_path):
    return Kept(tmp_path, {"window": "uniform"})


def test_scores_are_known_by_content_and_variant_alone(evidence):
    evidence.keep_scores([(ONE, WHOLE)], complete=True)
    moved = Pair("x/y.tif", "z.jpg", "identity", ONE.tiff_sha256, ONE.jpeg_sha256)
    others = [
        Pair("a.tif", "b.jpg", "flip_h", "aa" * 32, "bb" * 32),
        Pair("a.tif", "b.jpg", "identity", "ab" * 32, "bb" * 32),
        Pair("a.tif", "b.jpg", "identity", "aa" * 32, "bc" * 32),
        Pair("a.tif", "b.jpg", "identity", "aa" * 32, "bb" * 32, page=2),
    ]
    found = evidence.scores([ONE, moved, *others], complete=True)
    assert found == [WHOLE, WHOLE, None, None, None, None]


def test_whole_scores_serve_who_asks_for_the_ssim_and_not_the_other_way(evidence):
    other = Pair("c.tif", "b.jpg", "identity", "cc" * 32, "bb" * 32)
    evidence.keep_scores([(ONE, WHOLE)], complete=True)
    evidence.keep_scores([(other, Scores(0.1))], complete=False)
    assert evidence.scores([ONE, other], complete=False) == [Scores(0.5), Scores(0.1)]
    assert evidence.scores([ONE, other], complete=True) == [WHOLE, None]


def test_other_circumstances_and_other_code_know_nothing(evidence, tmp_path, monkeypatch):
    evidence.keep_scores([(ONE, WHOLE)], complete=True)
    assert Kept(tmp_path, {"window": "gaussian"}).scores([ONE], complete=True) == [None]
    monkeypatch.setattr(kept, "version", lambda: "another")
    assert Kept(tmp_path, {"window": "uniform"}).scores([ONE], complete=True) == [None]


@pytest.mark.parametrize("raw", [b"7", b"[]", b'{"ssim": 1.0}'])
def test_what_is_no_record_of_scores_is_unknown(evidence, raw):
    key = evidence._of_pair(ONE, complete=True)
    evidence._store.put([(key, raw)])
    assert evidence.scores([ONE], complete=True) == [None]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "cache").write_text("a file")
    evidence = Kept(tmp_path / "cache", {})
    evidence.keep_scores([(ONE, WHOLE)], complete=True)
    assert evidence.scores([ONE], complete=True) == [None]


def test_hashes_of_variants(evidence):
    bits = np.random.default_rng(0).integers(0, 256, (2, 128), np.uint8)
    evidence.keep_hashes([((ONE.tiff_sha256, 1), "body 0.9", bits)])
    found = evidence.hashes((ONE.tiff_sha256, 1), ["flip_h", "body 0.9"])
    assert list(found) == ["body 0.9"]
    assert (found["body 0.9"] == bits).all()
    assert evidence.hashes(("bb" * 32, 1), ["body 0.9"]) == {}
    assert evidence.hashes((ONE.tiff_sha256, 2), ["body 0.9"]) == {}


def test_a_search_is_known_by_all_hashes_of_both_sides(evidence):
    query, base = np.random.default_rng(1).integers(0, 256, (2, 9, 128), np.uint8)
    found = nearest_reference(query[:4], base, k=3)
    assert evidence.nearest("grey", query[:4], base, 3) is None
    evidence.keep_nearest("grey", query[:4], base, 3, found)
    again = evidence.nearest("grey", query[:4], base, 3)
    assert (again[0] == found[0]).all()
    assert (again[1] == found[1]).all()
    changed = base.copy()
    changed[-1, -1] ^= 1
    assert evidence.nearest("grey", query[:4], changed, 3) is None
    assert evidence.nearest("grey", query[1:5], base, 3) is None
    assert evidence.nearest("grey", query[:4], base, 2) is None


def test_both_hashes_of_as_many_images_are_kept_side_by_side(evidence):
    query, base = np.random.default_rng(2).integers(0, 256, (2, 9, 128), np.uint8)
    for hashes in ("grey", "standardised"):
        evidence.keep_nearest(hashes, query, base, 3, nearest_reference(query, base, k=3))
        query = query[::-1]
    assert evidence.nearest("grey", query, base, 3) is not None
    assert evidence.nearest("standardised", query[::-1], base, 3) is not None
