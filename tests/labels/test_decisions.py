"""Decisions by people, and what becomes of those that fit no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backlabel.errors import DataError
from backlabel.labels import decisions
from backlabel.labels.chosen import Decided
from backlabel.labels.decisions import Known
from backlabel.storage.rows import Choice, Decision, JpegHash, Match, TiffHash, Verdict

NOTHING = "0" * 256


def tiff(name, phash=NOTHING):
    return TiffHash(name, name, phash, phash, "", "", 4, 4, f"sha of {name}", 1)


def jpeg(name, phash=NOTHING):
    return JpegHash(**vars(tiff(name, phash)), category="Tips", label="L9")


A, B, P, Q = tiff("a.tif"), tiff("b.tif"), jpeg("p.jpg", "f" + NOTHING[1:]), jpeg("q.jpg")
KNOWN = Known(
    tiffs={("a.tif", 1): A, ("b.tif", 1): B},
    jpegs={"p.jpg": P, "q.jpg": Q},
    categories={"L0": "Biological", "L9": "Tips"},
)
MATCHED = Match(
    TIFF_file="a.tif",
    TIFF_path="a.tif",
    JPEG_file="q.jpg",
    JPEG_path="q.jpg",
    hamming_distance=0,
    ssim_value=0.9,
    used_ssim=True,
    verdict=Verdict.MATCHED,
    reason="SSIM 0.9",
    label="L9",
    category="Tips",
    runner_up_path="p.jpg",
    runner_up_hamming=4,
    runner_up_ssim=0.6,
    margin=0.3,
)
ALONE = Match("b.tif", "b.tif")

ACCEPT = Decision("a.tif", A.sha256, Choice.ACCEPT, "p.jpg", P.sha256, "L9", "Ada", "Same crack.")
RELABEL = replace(ACCEPT, decision=Choice.RELABEL, label="L0", why="A leaf.")
REJECT = Decision("a.tif", A.sha256, Choice.REJECT, "q.jpg", None, None, "Ada", "Other sample.")


def test_without_decisions_the_verdicts_hold():
    assert decisions.apply([], [MATCHED, ALONE], KNOWN) == ([Decided(MATCHED)], [])


def test_reject():
    assert decisions.apply([REJECT], [MATCHED, ALONE], KNOWN) == ([], [REJECT])


def test_reject_of_what_is_not_matched_anyway():
    other = replace(REJECT, TIFF_path="b.tif", TIFF_sha256=B.sha256)
    assert decisions.apply([other], [ALONE], KNOWN) == ([], [other])


def test_accept_of_the_runner_up():
    """It has its own scores where they are known, and never those of another pair."""
    scored = replace(MATCHED, explained=0.8, variant="turned")
    (chosen,), in_force = decisions.apply([ACCEPT], [scored, ALONE], KNOWN)
    assert in_force == [ACCEPT]
    assert chosen == Decided(
        Match(
            TIFF_file="a.tif",
            TIFF_path="a.tif",
            TIFF_sha256=A.sha256,
            JPEG_file="p.jpg",
            JPEG_path="p.jpg",
            JPEG_sha256=P.sha256,
            # "f" and "0" differ in four bits, in each of the two hashes.
            hamming_distance=4,
            hamming_standardised=4,
            hamming_grey=4,
            ssim_value=0.6,
            used_ssim=True,
            verdict=Verdict.MATCHED,
            reason="Accepted by a person: Same crack. (Without this decision: matched.)",
            label="L9",
            category="Tips",
        ),
        ACCEPT,
    )


def test_accept_of_the_best_candidate_keeps_its_scores():
    unsure = replace(MATCHED, verdict=Verdict.AMBIGUOUS, label=None, category=None, explained=0.8)
    same = replace(ACCEPT, JPEG_path="q.jpg", JPEG_sha256=Q.sha256)
    (chosen,), _ = decisions.apply([same], [unsure], KNOWN)
    reason = "Accepted by a person: Same crack. (Without this decision: ambiguous.)"
    assert chosen.match == replace(MATCHED, explained=0.8, reason=reason)


def test_accept_of_a_pair_that_was_never_scored():
    decision = replace(ACCEPT, TIFF_path="b.tif", TIFF_sha256=B.sha256)
    (chosen,), _ = decisions.apply([decision], [ALONE], KNOWN)
    assert (chosen.match.verdict, chosen.match.category) == (Verdict.MATCHED, "Tips")
    assert (chosen.match.hamming_distance, chosen.match.ssim_value) == (4, None)


def test_another_label_than_the_jpegs_is_a_decision_of_its_own():
    (chosen,), _ = decisions.apply([RELABEL], [MATCHED], KNOWN)
    assert (chosen.match.label, chosen.match.category) == ("L0", "Biological")
    assert chosen.match.reason == (
        "Relabelled from L9 to L0 by a person: A leaf. (Without this decision: matched.)"
    )


def test_a_slip_of_the_label_names_both_labels():
    """A JPEG of Films that is accepted as Tips must not become Tips without a word."""
    told = r"p\.jpg has label L9 \(Tips\), not L0 \(Biological\)\. Write L9, or, .*`relabel`"
    with pytest.raises(DataError, match=told):
        decisions.apply([replace(ACCEPT, label="L0")], [MATCHED], KNOWN)


@pytest.mark.parametrize(
    ("decision", "complaint"),
    [
        (replace(ACCEPT, TIFF_sha256="old"), r"a\.tif: the TIFF has changed"),
        (replace(ACCEPT, JPEG_sha256="old"), r"a\.tif: the JPEG has changed"),
        (replace(ACCEPT, TIFF_path="gone.tif"), r"gone\.tif: no such TIFF"),
        (replace(ACCEPT, JPEG_path="gone.jpg"), r"no such JPEG .*: gone\.jpg"),
        (replace(ACCEPT, label="L7"), "no label 'L7'; it has L0, L9"),
        (replace(RELABEL, label="L9"), r"L9 is the label of p\.jpg already: write `accept`"),
        (replace(RELABEL, JPEG_sha256="old"), r"a\.tif: the JPEG has changed"),
        (replace(REJECT, TIFF_sha256="old"), r"a\.tif: the TIFF has changed"),
        (replace(REJECT, JPEG_path="p.jpg"), r"matched now is another: q\.jpg"),
    ],
)
def test_decision_that_does_not_fit_is_named(decision, complaint):
    with pytest.raises(DataError, match=complaint):
        decisions.apply([decision], [MATCHED, ALONE], KNOWN)


def test_all_misfits_are_named_at_once():
    both = [replace(ACCEPT, label="L7"), replace(REJECT, TIFF_path="gone.tif")]
    with pytest.raises(DataError, match=r"(?s)a\.tif.*gone\.tif"):
        decisions.apply(both, [MATCHED, ALONE], KNOWN)


def test_two_decisions_on_one_tiff():
    with pytest.raises(DataError, match="decided twice"):
        decisions.apply([ACCEPT, REJECT], [MATCHED], KNOWN)


def test_decision_on_a_tiff_that_was_not_drawn_waits():
    assert decisions.apply([ACCEPT], [ALONE], KNOWN) == ([], [])


def test_decision_for_a_category_that_is_not_looked_at_waits():
    some = replace(KNOWN, jpegs={"q.jpg": Q}, some_jpegs=True)
    assert decisions.apply([ACCEPT], [MATCHED], some) == ([Decided(MATCHED)], [])
