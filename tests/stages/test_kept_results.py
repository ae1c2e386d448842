"""What is kept of earlier runs changes no byte of any result, whatever has changed in between."""

from __future__ import annotations

import random
import shutil

import pytest
from PIL import Image
from ruamel.yaml import YAML

import workspace
from backlabel import composing, config
from backlabel.errors import UnreadableImageError
from backlabel.hashing import contents, identity
from backlabel.matching import measuring
from backlabel.stages import compare, label
from backlabel.stages import hash as hashing
from backlabel.workers.pool import Workers

pytestmark = pytest.mark.slow

PAIRS = [(f"a/{seed}.tif", "L9", seed) for seed in range(4)] + [("b/4.tif", "L1", 4)]
RESULTS = ("csv", "labeled", "metrics", "plots", "reviews")
PARAMETERS = {
    "compare.hamming_threshold": [150, 140, 40, 200],
    "compare.ssim_hamming_threshold": [30, 10, 0, 40],
    "compare.rule": ["combined", "ssim", "seed"],
    "compare.min_ssim": [0.7, 0.99],
    "compare.top_k": [10, 1, 2],
    "compare.hashes": ["both", "standardised"],
    "compare.variants": [
        ["identity"],
        ["identity", "flip_h", "inverted"],
        ["identity", "border"],
        ["identity", "part"],
    ],
    "compare.min_part_share": [0.0, 0.5, 1.0],
    "read.max_pages": [256, 1],
    "compare.ssim_window": ["uniform", "gaussian"],
    "label.split_seed": [0, 1],
    "label.link": ["auto", "copy", "hardlink"],
    "label.public": [False, True],
}


def in_this_process(_, function, items, **__):
    for item in items:
        try:
            result = function(item)
        except UnreadableImageError as error:
            result = error
        yield item, result


@pytest.fixture
def quick(monkeypatch):
    """No worker processes; and a file need not rest for seconds before it is known again."""
    monkeypatch.setattr(Workers, "map", in_this_process)
    for module in (contents, identity):
        monkeypatch.setattr(module, "SETTLED_S", 0.0)


def checked(chosen):
    values = YAML(typ="safe", pure=True).load(composing.compose(workspace.ROOT / "conf"))
    values["hash"]["workers"] = 1
    for name, value in chosen.items():
        section, key = name.split(".")
        values[section][key] = value
    return config.check(values, "test")


def run(root, chosen, monkeypatch):
    """All stages; what DVC removes before them is gone."""
    monkeypatch.chdir(root)
    for folder in ("csv", "metrics", "plots"):
        shutil.rmtree(root / folder, ignore_errors=True)
    params = checked(chosen)
    for stage in (hashing, compare, label):
        stage.main(params)
    return workspace.listing(root, *RESULTS)


def change_a_file(root, draw):
    """An image is added, removed, renamed, or given another content; a JPEG is cut, a TIFF gets a
    second page; or there is a text beside one.
    """
    images = sorted([*(root / "data/tiff").rglob("*.tif"), *(root / "data/jpeg").rglob("*.jpg")])
    one = draw.choice(images)
    other = draw.choice([path for path in images if path.suffix == one.suffix and path != one])
    kind = draw.choice(["add", "remove", "rename", "change", "cut", "page", "text"])
    if kind == "add":
        shutil.copyfile(one, one.with_name(f"{one.stem[:3]}{draw.randrange(9999)}{one.suffix}"))
    elif kind == "remove" and len(images) > 6:
        one.unlink()
    elif kind == "rename":
        one.rename(one.with_name(f"{one.stem}{draw.randrange(9999)}{one.suffix}"))
    elif kind == "change":
        content = other.read_bytes()
        one.unlink()
        one.write_bytes(content)
    elif kind == "cut" and one.suffix == ".jpg":
        with Image.open(one) as image:
            part = image.crop((image.width // 5, 0, image.width, image.height * 4 // 5))
        one.unlink()
        part.save(one, quality=95)
    elif kind == "page" and one.suffix == ".tif":
        with Image.open(one) as image, Image.open(other) as second:
            pages = [image.copy(), second.copy()]
        one.unlink()
        pages[0].save(one, save_all=True, append_images=pages[1:])
    else:
        tiff = draw.choice(sorted((root / "data/tiff").rglob("*.tif")))
        text = f"[SemImageFile]\nMagnification={draw.randrange(100, 9999)}\n"
        tiff.with_suffix(".txt").write_text(text)


@pytest.mark.parametrize("seed", range(3))
def test_results_are_those_of_a_run_that_keeps_nothing(tmp_path, monkeypatch, quick, seed):
    root, draw = tmp_path / "kept", random.Random(seed)
    workspace.make(root, PAIRS)
    chosen = {"compare.ssim_hamming_threshold": 30}  # at most any Hamming threshold
    run(root, chosen, monkeypatch)
    for step in range(6):
        for name in draw.sample(sorted(PARAMETERS), 2):
            chosen[name] = draw.choice(PARAMETERS[name])
        for _ in range(draw.randrange(3)):
            change_a_file(root, draw)
        bare = tmp_path / f"bare {step}"
        shutil.copytree(root, bare, ignore=shutil.ignore_patterns(".backlabel", "labeled"))
        found = run(root, chosen, monkeypatch)
        assert found == run(bare, chosen, monkeypatch)


def test_another_threshold_opens_no_image(tmp_path, monkeypatch, quick):
    """Neither stricter ones, nor rules and margins; a looser one scores what is new, once."""
    root = tmp_path / "kept"
    workspace.make(root, PAIRS)
    variants = {"compare.variants": ["identity"]}
    run(root, variants, monkeypatch)
    run(root, variants, monkeypatch)  # the labelled files are known again from now on
    asked = []
    real = measuring.Measuring._computed
    monkeypatch.setattr(
        measuring.Measuring,
        "_computed",
        lambda own, pairs: real(own, (asked.append(pair) or pair for pair in pairs)),
    )
    monkeypatch.setattr(contents.Contents, "read", lambda *_, **__: pytest.fail("an image is read"))
    for changed in (
        {"compare.hamming_threshold": 130, "compare.ssim_hamming_threshold": 130},
        {"compare.ssim_hamming_threshold": 60},
        {"compare.rule": "ssim", "compare.min_ssim": 0.9},
        {"compare.rule": "seed"},
        {"compare.min_margin": 0.5},
        {"label.split_seed": 3},
    ):
        run(root, variants | changed, monkeypatch)
    assert asked == []
    looser = {"compare.hamming_threshold": 600, "compare.ssim_hamming_threshold": 600}
    run(root, variants | looser, monkeypatch)
    assert len(asked) == len(PAIRS) * (len(PAIRS) - 1)  # all but the pairs that were scored
    run(root, variants | looser, monkeypatch)
    assert len(asked) == len(PAIRS) * (len(PAIRS) - 1)
