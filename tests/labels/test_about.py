"""Words about one data set are never written beside another."""

from __future__ import annotations

import hashlib

import numpy as np

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
    digests = np.frombuffer(bytes.fromhex(OTHER + ONE + OTHER), np.uint8).reshape(-1, 32)
    assert originals_digest(digests) == expected


def test_digest_of_digests_that_end_with_zeros():
    zeros = [bytes(32), b"a" + bytes(31)]
    expected = hashlib.sha256("".join(f"{one.hex()}\n" for one in zeros).encode()).hexdigest()
    digests = np.frombuffer(b"".join(zeros[::-1]), np.uint8).reshape(-1, 32)
    assert originals_digest(digests) == expected
