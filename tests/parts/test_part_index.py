"""The index of features on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backlabel.parts import index
from backlabel.parts.index import Index


def descriptors(seed: int, count: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 90, (count, 128)).astype(np.uint8)


@pytest.mark.parametrize("shard", [70, 10_000])
def test_features_speak_for_their_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int
) -> None:
    monkeypatch.setattr(index, "SHARD", shard)
    known = Index(tmp_path)
    known.fill((row, descriptors(row)) for row in range(12))
    asked = [descriptors(5)[:30], descriptors(99), np.empty((0, 128), np.uint8)]
    ours, foreign, none = known.votes(asked, most=8, least=3)
    assert ours == [(5, 30)]
    assert foreign == none == []
    assert len([*tmp_path.iterdir()]) == (6 if shard == 70 else 1)


def test_what_all_images_have_speaks_for_none(tmp_path: Path) -> None:
    databar = descriptors(7)
    known = Index(tmp_path)
    known.fill((row, np.concatenate([databar, descriptors(100 + row)])) for row in range(12))
    asked = np.concatenate([databar, descriptors(103)])
    assert known.votes([asked], most=8, least=3) == [[(3, 60)]]


def test_an_empty_index_speaks_for_nothing(tmp_path: Path) -> None:
    known = Index(tmp_path)
    known.fill([])
    assert known.votes([descriptors(1)], most=8, least=3) == [[]]
