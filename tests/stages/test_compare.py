"""The stage compare on a few generated images: every verdict, and what each parameter changes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML
from scipy import ndimage

from backlabel import composing, config, images
from backlabel.errors import ConfigError, UnreadableImageError
from backlabel.matching import device, engine, scoring
from backlabel.stages import compare
from backlabel.stages import hash as hashing
from backlabel.storage import paths, tables
from backlabel.storage.rows import JpegHash, Match, TiffHash, Verdict
from backlabel.workers.pool import Workers

pytestmark = pytest.mark.slow

CONF = Path(__file__).parents[2] / "conf"
SHAPE = (192, 256)
PLAIN = {"variants": ["identity"]}  # no search by local features for what is left over
FLAT_ROWS = {2: 64}  # of the scene with that seed


def scene(seed, noise=0):
    """`noise`, where it is not 0, chooses other noise of the same field."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.standard_normal(SHAPE), 6)
    of_its_own = (np.random.default_rng(noise) if noise else random).normal(0, 8, SHAPE)
    image = 120 + 30 * np.sign(smooth) + 300 * smooth + of_its_own
    image[: FLAT_ROWS.get(seed, 0)] = 90
    return np.clip(image, 0, 255).astype(np.uint8)


def save(path, grey, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(grey)).save(path, **options)


def checked(**changes):
    values = YAML(typ="safe", pure=True).load(composing.compose(CONF))
    values["hash"]["workers"] = 1
    values["compare"] |= changes
    return config.check(values, "test")


@pytest.fixture(scope="module")
def hashed(tmp_path_factory):
    """A folder in which hash and compare have run, so that evidence is kept. Copy it.

    One JPEG was deleted between them.
    """
    root = tmp_path_factory.mktemp("hashed")
    tiff, particles, tips = (
        root / "data" / name for name in ("tiff", "jpeg/Particles", "jpeg/Tips")
    )
    for seed, name in enumerate(
        ("good", "twice", "weak", "flipped", "vanished", "lonely", "published")
    ):
        save(tiff / f"{name}.tif", scene(seed))
    save(tiff / "frame.tif", scene(0, noise=1))
    save(tiff / "flat.tif", np.full(SHAPE, 90, np.uint8))
    shutil.copy(tiff / "twice.tif", tiff / "twice again.tif")
    (tiff / "broken.tif").write_bytes((tiff / "good.tif").read_bytes()[:5000])
    save(particles / "L5_good.jpg", scene(0), quality=100)
    save(particles / "L5_twice.jpg", scene(1), quality=95)
    save(tips / "L9_weak.jpg", scene(2), quality=20)
    save(tips / "L9_flipped.jpg", scene(3)[:, ::-1], quality=95)
    save(tips / "L9_vanished.jpg", scene(4), quality=95)
    save(tips / "L9_published_well.jpg", scene(6), quality=100)
    save(tips / "L9_published_worse.jpg", scene(6), quality=85)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        hashing.main(checked())
        (tips / "L9_vanished.jpg").unlink()
        compare.main(checked())
    return root


@pytest.fixture
def matches(hashed, tmp_path, monkeypatch):
    """Runs the stage with changed parameters and gives the rows by the TIFF's name."""
    shutil.copytree(hashed, tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")

    def run(**changes):
        compare.main(checked(**changes))
        rows = tables.read(paths.mapping_path(changes.get("n_tiff")), Match)
        return {row.TIFF_file.removesuffix(".tif"): row for row in rows}

    return run


def forget():
    """What is kept of earlier runs."""
    shutil.rmtree(".backlabel")


def test_verdicts(matches):
    found = matches()
    assert {name: row.verdict for name, row in found.items()} == {
        "good": Verdict.MATCHED,
        "twice": Verdict.MATCHED,
        "twice again": Verdict.MATCHED,
        "weak": Verdict.MATCHED,
        "flipped": Verdict.MATCHED,
        "published": Verdict.AMBIGUOUS,
        "frame": Verdict.TOO_DIFFERENT,
        "vanished": Verdict.NOT_VERIFIED,
        "lonely": Verdict.NO_CANDIDATE,
        "flat": Verdict.NO_CANDIDATE,
        "broken": Verdict.UNREADABLE,
    }
    assert {name: row.JPEG_file for name, row in found.items() if row.label} == {
        "good": "L5_good.jpg",
        "twice": "L5_twice.jpg",
        "twice again": "L5_twice.jpg",
        "weak": "L9_weak.jpg",
        "flipped": "L9_flipped.jpg",
    }


def test_reasons(matches):
    found = matches()
    assert "too little information" in found["flat"].reason
    assert "data/tiff/twice again.tif" in found["twice"].reason
    assert "data/tiff/twice.tif" in found["twice again"].reason
    assert found["flipped"].variant == "flip_h"
    assert found["vanished"].JPEG_file == "L9_vanished.jpg"
    assert not found["vanished"].used_ssim
    assert found["published"].certain_label == "L9"  # twice, in two qualities


def test_a_tiff_that_vanished_is_unreadable(matches):
    forget()
    Path("data/tiff/good.tif").unlink()
    assert matches()["good"].verdict is Verdict.UNREADABLE


def in_this_process(_, function, items, **__):
    scoring.tiff_pixels.cache_clear()
    for item in items:
        try:
            yield item, function(item)
        except UnreadableImageError as error:
            yield item, error


def grown(path):
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    ("disturb", "word"), [(grown, "changed"), (Path.unlink, "vanished")], ids=["grows", "vanishes"]
)
@pytest.mark.parametrize("name", ["good.tif", "L5_good.jpg", "flipped.tif"])
def test_a_file_that_is_disturbed_while_it_is_compared(matches, monkeypatch, disturb, word, name):
    """Once it is read, and before it is known to be the same still."""
    forget()
    read = images.picture

    def disturbing(source, own_name, limits, page=None):
        picture = read(source, own_name, limits, page)
        if own_name == name:
            disturb(next(Path("data").rglob(name)))
        return picture

    monkeypatch.setattr(images, "picture", disturbing)
    monkeypatch.setattr(Workers, "map", in_this_process)
    found = matches(variants=["identity", "flip_h"])
    if name == "L5_good.jpg":
        assert found["good"].verdict is Verdict.NOT_VERIFIED
    else:
        row = found[name.removesuffix(".tif")]
        assert row.verdict is Verdict.UNREADABLE
        assert row.reason.startswith(word)
    assert found["twice"].verdict is found["weak"].verdict is Verdict.MATCHED


def test_a_jpeg_goes_to_one_tiff(matches):
    found = matches(min_explained=0.0, min_spoke=0.0, min_margin=0.0)
    assert found["frame"].JPEG_file == found["good"].JPEG_file == "L5_good.jpg"
    assert found["good"].verdict is Verdict.MATCHED
    assert found["frame"].verdict is Verdict.AMBIGUOUS
    assert "given to another TIFF" in found["frame"].reason


def test_number_of_workers_changes_nothing(matches, monkeypatch):
    def by(workers):
        forget()
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(workers)))
        return matches()

    assert by(1) == by(4)


def test_looking_for_variants_of_some_at_a_time_changes_nothing(matches, monkeypatch):
    before = matches()
    monkeypatch.setattr(engine, "_VARIED_TOGETHER", 1)
    assert matches() == before


def test_order_of_rows_changes_nothing(matches):
    before = matches()
    for path, record in ((paths.JPEG_HASHES, JpegHash), (paths.TIFF_HASHES, TiffHash)):
        tables.write(path, record, tables.read(path, record)[::-1])
    assert matches() == before


@pytest.mark.parametrize(
    ("name", "before", "after", "verdicts"),
    [
        ("good", PLAIN, PLAIN | {"ssim_hamming_threshold": 0}, ("matched", "not verified")),
        (
            "good",
            PLAIN | {"ssim_hamming_threshold": 0},
            PLAIN | {"hamming_threshold": 0, "ssim_hamming_threshold": 0},
            ("not verified", "no candidate"),
        ),
        ("good", {}, {"hamming_threshold": 0, "ssim_hamming_threshold": 0}, ("matched", "matched")),
        ("good", PLAIN, PLAIN | {"min_explained": 1.0}, ("matched", "too different")),
        ("weak", PLAIN, PLAIN | {"min_spoke": 1.0}, ("matched", "not verified")),
        ("published", {}, {"min_margin": 0.0}, ("ambiguous", "matched")),
        ("published", {}, {"top_k": 1}, ("ambiguous", "matched")),
        (
            "good",
            PLAIN | {"rule": "ssim"},
            PLAIN | {"rule": "ssim", "min_ssim": 1.0},
            ("matched", "too different"),
        ),
        ("frame", {}, {"rule": "seed"}, ("too different", "matched")),
        ("flipped", {}, PLAIN, ("matched", "no candidate")),
    ],
    ids=lambda value: None if isinstance(value, (str, tuple)) else "-".join(value) or "default",
)
def test_each_parameter_changes_a_verdict(matches, name, before, after, verdicts):
    assert (matches(**before)[name].verdict, matches(**after)[name].verdict) == verdicts


@pytest.mark.parametrize("threshold", ["hamming_threshold", "ssim_hamming_threshold"])
def test_hamming_thresholds_are_exclusive(matches, threshold):
    at = matches()["weak"].hamming_distance
    assert at > 0
    others = dict(PLAIN)  # what local features find needs no distance
    if threshold == "hamming_threshold":
        others["ssim_hamming_threshold"] = 0
    inside = matches(**{threshold: at + 1}, **others)["weak"].verdict
    outside = matches(**{threshold: at}, **others)["weak"].verdict
    assert (inside, outside) == {
        "hamming_threshold": (Verdict.NOT_VERIFIED, Verdict.NO_CANDIDATE),
        "ssim_hamming_threshold": (Verdict.MATCHED, Verdict.NOT_VERIFIED),
    }[threshold]


def test_least_scores_are_inclusive(matches):
    found = matches(**PLAIN)
    refused = {
        "good": ("min_explained", found["good"].explained, Verdict.TOO_DIFFERENT),
        "weak": ("min_spoke", found["weak"].spoke, Verdict.NOT_VERIFIED),
    }
    for tiff, (name, value, verdict) in refused.items():
        assert matches(**PLAIN, **{name: value})[tiff].verdict is Verdict.MATCHED
        assert matches(**PLAIN, **{name: value + 1e-6})[tiff].verdict is verdict


def test_one_hash_alone(matches):
    assert matches()["good"].hamming_grey is not None
    assert matches(hashes="standardised")["good"].hamming_grey is None


def test_drawing_tiffs(matches):
    drawn = {seed: set(matches(n_tiff=3, seed=seed)) for seed in range(3)}
    assert all(len(names) == 3 for names in drawn.values())
    assert len(set(map(frozenset, drawn.values()))) > 1
    assert set(matches(n_tiff=3, seed=1)) == drawn[1]


def test_more_tiffs_than_there_are(matches):
    with pytest.raises(ConfigError, match=r"there are 11 TIFFs"):
        matches(n_tiff=12)


def test_index_finds_what_exact_search_finds_and_reports_its_recall(matches):
    exact = matches()
    assert "index_recall" not in json.loads(Path("metrics/compare.json").read_text())
    indexed = matches(index_from=1)
    chosen = {name: (row.verdict, row.JPEG_file, row.variant) for name, row in exact.items()}
    for name, row in indexed.items():
        if row.verdict is not Verdict.NO_CANDIDATE:
            assert (row.verdict, row.JPEG_file, row.variant) == chosen[name]
    reported = json.loads(Path("metrics/compare.json").read_text())["index_recall"]
    assert reported == {"standardised": 1.0, "grey": 1.0}


def test_gaussian_window_gives_another_ssim(matches):
    uniform, gaussian = matches(**PLAIN), matches(**PLAIN, ssim_window="gaussian")
    assert gaussian["good"].ssim_value != uniform["good"].ssim_value
    assert gaussian["good"].ssim_value == pytest.approx(uniform["good"].ssim_value, abs=0.05)


def test_the_reference_engine_gives_the_same_table(matches):
    fast, reference = matches(), matches(engine="reference")
    assert {name: unscored(row) for name, row in fast.items()} == {
        name: unscored(row) for name, row in reference.items()
    }
    for name, row in fast.items():
        for score, most in SCORES.items():
            expected = getattr(reference[name], score)
            assert getattr(row, score) == pytest.approx(expected, abs=most), (name, score)


SCORES = {
    **dict.fromkeys(("ssim_value", "runner_up_ssim"), 2e-6),
    **dict.fromkeys(("explained", "spoke", "runner_up_explained"), 1e-2),
}
"""How far each may lie apart: SSIM 1e-6, and both ends are rounded to 1e-6; of the explained share
a few coefficients, which lie on the limit."""
DERIVED = ("margin", "reason", "degradation")


def unscored(row):
    return {name: value for name, value in vars(row).items() if name not in {*SCORES, *DERIVED}}


def test_cuda_without_a_gpu_is_refused_at_once(matches, monkeypatch):
    monkeypatch.setattr(device, "has_driver", lambda: False)
    monkeypatch.setattr(tables, "read", lambda *_: pytest.fail("a table is read"))
    with pytest.raises(ConfigError, match=r"compare\.device is cuda"):
        matches(device="cuda")
