"""torchvision's ImageFolder reads the labelled set as `backlabel.load`, where it fits torch."""

from __future__ import annotations

import json
import sys

import pytest

import backlabel

pytestmark = pytest.mark.pipeline

WALK = """
import json, sys
try:
    from torchvision.datasets import ImageFolder
except (ImportError, RuntimeError) as error:  # a build for another torch lacks operators
    sys.exit(f"torchvision does not fit: {error}")
found = ImageFolder("labeled")
sizes = [picture.size for picture, _ in found]
json.dump({"classes": found.classes, "samples": found.samples, "sizes": sizes}, sys.stdout)
"""


def test_image_folder(reproduced):
    done = reproduced.run(sys.executable, "-c", WALK, check=False)
    if "torchvision does not fit" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout)
    ours = backlabel.load(reproduced.path / "labeled")
    assert found["classes"] == ours.classes
    expected = {
        f"labeled/{item.file}": target
        for item, target in zip(ours.items, ours.targets, strict=True)
    }
    assert dict(found["samples"]) == expected
    shapes = {(picture.shape[2], picture.shape[1]) for picture, _ in ours}
    assert {tuple(size) for size in found["sizes"]} == shapes
