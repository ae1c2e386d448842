"""What workers do for a pair, and the way over a device, which changes nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import scene
from skimage.metrics import structural_similarity

from backlabel.errors import UnreadableImageError
from backlabel.images import Limits
from backlabel.matching import on_device
from backlabel.matching.evidence import Pair
from backlabel.matching.scores import FAST, Registered, score
from backlabel.matching.scoring import Scorer
from backlabel.matching.tensors import Bounds
from backlabel.matching.variants import Variant
from backlabel.storage.files import sha256
from backlabel.workers.pool import Workers

SCORER = Scorer(Limits(), complete=True, window="uniform", engine="fast")
SCORES = ("ssim", "explained", "spoke")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A copy, a smaller one, a flipped one, another frame; files that are gone."""
    folder = tmp_path_factory.mktemp("pairs")
    for name, grey in {"one": scene(0), "other": scene(1)}.items():
        Image.fromarray(grey).save(folder / f"{name}.tif")
    jpegs = {
        "copy": scene(0),
        "half": scene(0)[::2, ::2],
        "flipped": scene(1)[:, ::-1],
        "frame": scene(0, noise=9.0),
    }
    for name, grey in jpegs.items():
        Image.fromarray(grey).save(folder / f"{name}.jpg", quality=90)
    named = [
        ("one", "copy", "identity"),
        ("one", "half", "identity"),
        ("one", "frame", "identity"),
        ("one", "gone", "identity"),
        ("other", "flipped", "flip_h"),
        ("gone", "copy", "identity"),
    ]
    return [
        Pair(str(tiff), str(jpeg), variant, digest(tiff), digest(jpeg))
        for tiff, jpeg, variant in (
            (folder / f"{tiff}.tif", folder / f"{jpeg}.jpg", variant)
            for tiff, jpeg, variant in named
        )
    ]


def digest(path):
    return sha256(path) if path.exists() else "00" * 32


def test_scores_are_those_of_the_pixels(pairs):
    made = SCORER.score(pairs[4])
    with Image.open(pairs[4].jpeg) as image:
        jpeg, table = image.convert("L"), tuple(image.quantization[0])
    with Image.open(pairs[4].tiff) as image:
        pair = Registered.of(np.array(image), np.array(jpeg), Variant("flip_h"))
    assert made == score(pair, table, "uniform", FAST)
    assert made.explained > 0.98


def test_a_file_with_other_bytes_than_were_hashed_has_no_scores(pairs):
    """Else they would be kept as those of another content."""
    for side in ("tiff", "jpeg"):
        with pytest.raises(UnreadableImageError, match="changed") as raised:
            SCORER.score(dataclasses.replace(pairs[0], **{f"{side}_sha256": "00" * 32}))
        assert raised.value.path == getattr(pairs[0], side)


@pytest.mark.parametrize(("number", "side"), [(3, "jpeg"), (5, "tiff")])
def test_a_file_that_is_gone_is_named(pairs, number, side):
    with pytest.raises(UnreadableImageError, match="vanished") as raised:
        SCORER.score(pairs[number])
    assert raised.value.path == getattr(pairs[number], side)


def test_ssim_alone_is_that_of_all_scores(pairs):
    alone = dataclasses.replace(SCORER, complete=False).score(pairs[1])
    assert alone.ssim == SCORER.score(pairs[1]).ssim
    assert alone.explained is None


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_device_gives_the_same_scores(pairs, complete, batch_size):
    scorer = dataclasses.replace(SCORER, complete=complete)
    with Workers(2, max_seconds=60, max_memory_mib=1024) as workers:
        bounds = Bounds("cpu:0", batch_size, memory_mib=256)
        scored = on_device.score(pairs, scorer, workers, bounds, chunk=2)
        asked, found = zip(*scored, strict=True)
    assert [*asked] == [*pairs]
    assert [found[3].path, found[5].path] == [pairs[3].jpeg, pairs[5].tiff]
    for pair, scores in zip(pairs, found, strict=True):
        if Path(pair.tiff).exists() and Path(pair.jpeg).exists():
            expected = scorer.score(pair)
            for name in SCORES:
                assert getattr(scores, name) == pytest.approx(getattr(expected, name), abs=2e-6)


def test_gaussian_windows_on_a_cpu_are_those_of_scikit_image(pairs):
    found = dataclasses.replace(SCORER, complete=False, window="gaussian").score(pairs[2])
    compared, _ = SCORER.verify(pairs[2])
    expected = structural_similarity(
        *compared, data_range=255, gaussian_weights=True, use_sample_covariance=False
    )
    assert found.ssim == pytest.approx(expected, abs=1e-6)
