"""Words about one data set are never written beside another."""

from __future__ import annotations

import hashlib

from backlabel.labels.about import About, applicable, originals_digest

WORDS = About(name="wafers", licence="CC0-1.0", citation="Example, R.")
ONE, OTHER = "a" * 64, "b" * 64


def test_words_for_any_originals_are_taken():
    assert applicable(WORDS, None, ONE) == (WORDS, "")


def test_words_for_these_originals_are_taken():
    assert applicable(WORDS, ONE, ONE) == (WORDS, "")


def test_words_for_other_originals_are_not_written_and_a_note_says_what_to_do():
    said, note = applicable(WORDS, ONE, OTHER)
    assert said == About()
    for hint in ("'wafers'", "conf/label/about/mine.yaml", f"only_for={OTHER}"):
        assert hint in note


def test_digest_depends_on_contents_alone():
    expected = hashlib.sha256(f"{ONE}\n{OTHER}\n".encode()).hexdigest()
    assert originals_digest([OTHER, ONE, OTHER]) == expected
