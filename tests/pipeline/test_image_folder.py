"""torchvision's ImageFolder reads the labelled set as `backlabel.load`.

torchvision has one build for each build of torch: that of the environment where both fit, else that
of the system, for which Debian packages a torch as well (`python3-torchvision`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

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


def walked(project):
    """What ImageFolder finds, by the first Python that has a torchvision; why not, if none has."""
    for python in (sys.executable, "/usr/bin/python3"):
        if Path(python).exists():
            done = project.run(python, "-c", WALK, check=False)
            if "torchvision does not fit" not in done.stderr:
                assert done.returncode == 0, done.stderr
                return json.loads(done.stdout)
    return pytest.skip(done.stderr.strip().splitlines()[-1])


def test_image_folder(reproduced):
    found = walked(reproduced)
    ours = backlabel.load(reproduced.path / "labeled")
    assert found["classes"] == ours.classes
    expected = {
        f"labeled/{item.file}": target
        for item, target in zip(ours.items, ours.targets, strict=True)
    }
    assert dict(found["samples"]) == expected
    shapes = {(picture.shape[2], picture.shape[1]) for picture, _ in ours}
    assert {tuple(size) for size in found["sizes"]} == shapes
