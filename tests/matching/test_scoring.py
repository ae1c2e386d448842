"""Scoring of groups: batches, threads and the way over tensors change nothing."""

from __future__ import annotations

import dataclasses

import pytest
from scenes import scene

from backlabel.errors import UnreadableImageError
from backlabel.matching import scoring
from backlabel.matching.decide import Candidate

SCORES = (
    "ssim",
    "ssim_matched",
    "noise_correlation_direct",
    "noise_correlation_recompressed",
    "noise_correlation_by_chance",
)
IMAGES = {
    "one": scene(0),
    "copy": scene(0, noise=9.0),
    "half": scene(0)[::2, ::2],
    "other": scene(1),
    "flipped": scene(1)[:, ::-1],
}
GROUPS = (
    scoring.Group("one", (Candidate(0, 5), Candidate(1, 9)), ("copy", "half")),
    scoring.Group("other", (Candidate(2, 7, variant="flip_h"),), ("flipped",)),
    scoring.Group("gone", (Candidate(0, 5),), ("copy",)),
    scoring.Group("other", (Candidate(3, 5), Candidate(0, 60)), ("gone", "copy")),
)


def load(path):
    if path == "gone":
        raise UnreadableImageError("vanished", "the file is no longer there")
    return scoring.Loaded(IMAGES[path], None)


def scored(**changes):
    usual = scoring.Compute("cpu", batch_size=16, memory_mib=256, threads=2, complete=True)
    return list(scoring.score(GROUPS, load, dataclasses.replace(usual, **changes)))


def shown(found):
    """Errors by their text: two of them are never equal."""
    return [str(one) if isinstance(one, UnreadableImageError) else one for one in found]


@pytest.mark.parametrize("change", [{"batch_size": 1}, {"batch_size": 2}, {"threads": 1}])
def test_batches_and_threads_change_nothing(change):
    assert shown(scored(**change)) == shown(scored())


def test_unreadable_images():
    found = scored()
    assert isinstance(found[2], UnreadableImageError)
    assert found[3][0] == Candidate(3, 5)
    assert found[3][1].ssim is not None


@pytest.mark.parametrize("complete", [True, False])
def test_tensors_give_the_same_scores(complete):
    pytest.importorskip("torch")
    ours, theirs = scored(complete=complete), scored(complete=complete, device="cpu:0")
    for group, other in zip(ours, theirs, strict=True):
        if isinstance(group, UnreadableImageError):
            assert isinstance(other, UnreadableImageError)
            continue
        for one, same in zip(group, other, strict=True):
            for score in SCORES:
                assert getattr(one, score) == pytest.approx(getattr(same, score), abs=1e-6)


def test_ssim_alone_is_that_of_all_scores():
    def values(found):
        return [one.ssim for group in found if isinstance(group, list) for one in group]

    assert values(scored(complete=False)) == values(scored())
