"""The same bytes are labelled once, and every path is told."""

from __future__ import annotations

from backlabel.labels.chosen import Chosen, Decided
from backlabel.labels.duplicates import set_apart
from backlabel.storage.rows import Duplicate, Match


def decided(path, digest, label="L9"):
    return Decided(Match(TIFF_file=path, TIFF_path=path, TIFF_sha256=digest, label=label))


def apart(*several, named=()):
    return set_apart(Chosen([one.match for one in several], range(len(several)), {}), named)


B, A, C = decided("b.tif", "1"), decided("a.tif", "1"), decided("c.tif", "2")


def test_the_first_path_is_kept():
    assert apart(B, A, C) == ([A, C], [Duplicate("b.tif", "a.tif")])


def test_one_that_has_a_name_already_keeps_it():
    assert apart(B, A, C, named={"b.tif"}) == ([B, C], [Duplicate("a.tif", "b.tif")])


def test_two_labels_are_not_hidden():
    other = decided("d.tif", "1", label="L1")
    assert apart(A, other) == ([A, other], [])
