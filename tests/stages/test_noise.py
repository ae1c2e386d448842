"""Images that look like noise: the verifier decides on them, and they never match by chance."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

import workspace
from backlabel import config
from backlabel.stages import compare
from backlabel.stages import hash as hashing
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, TiffHash, Verdict


def grains(seed):
    """White noise, (384, 512): what is left of spheres of a pixel that lie densely."""
    samples = np.random.default_rng(seed).normal(128, 40, (384, 512))
    return np.clip(samples, 0, 255).astype(np.uint8)


@pytest.fixture
def hashed(tmp_path, monkeypatch):
    workspace.make(tmp_path, [("other.tif", "L1", 5)])
    tifffile.imwrite(tmp_path / "data/tiff/published.tif", grains(1))
    tifffile.imwrite(tmp_path / "data/tiff/unpublished.tif", grains(2))
    Image.fromarray(grains(1)).save(tmp_path / workspace.jpeg_path("L1", 1), quality=90)
    monkeypatch.chdir(tmp_path)
    hashing.main(config.load())
    return tmp_path


def verdicts(rule):
    """Of whole images, without the search for parts."""
    params = config.load()
    changed = params.compare.model_copy(update={"rule": rule, "variants": ()})
    compare.main(params.model_copy(update={"compare": changed}))
    rows = tables.read(paths.mapping_path(None), Match)
    return {row.TIFF_file: row.verdict for row in rows}


def test_what_looks_like_noise_is_left_to_the_verifier(hashed):
    flagged = {row.file: row.information for row in tables.read(paths.TIFF_HASHES, TiffHash)}
    assert flagged == {"other.tif": "", "published.tif": "noise", "unpublished.tif": "noise"}
    assert verdicts("combined") == {
        "other.tif": Verdict.MATCHED,
        "published.tif": Verdict.MATCHED,
        "unpublished.tif": Verdict.NO_CANDIDATE,
    }
    assert verdicts("ssim")["published.tif"] is Verdict.NO_CANDIDATE
