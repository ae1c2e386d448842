"""From a TIFF of several pages to its one label."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import backlabel
import workspace
from backlabel import config
from backlabel.labels import reviews
from backlabel.matching import measuring
from backlabel.reporting import drawing
from backlabel.stages import compare, label
from backlabel.stages import hash as hashing
from backlabel.storage import paths, tables
from backlabel.storage.rows import Decision, Duplicate, Labelled, Match, Passed, TruePair, Verdict
from matching.scenes import scene

pytestmark = pytest.mark.slow

TIFF = Path("data/tiff/several.tif")


def pages():
    """A preview, two pictures, and one of them once more."""
    first, second = scene(0), scene(1)
    small = np.asarray(Image.fromarray(first).resize((first.shape[1] // 4, first.shape[0] // 4)))
    return small, first, second, first


@pytest.fixture
def project(tmp_path, monkeypatch):
    workspace.make(tmp_path, [])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drawing, "write_all", lambda *_: None)  # its own tests draw
    monkeypatch.setattr(measuring, "cores", lambda: 1)
    TIFF.parent.mkdir(parents=True)
    with tifffile.TiffWriter(TIFF) as writer:
        for page in pages():
            writer.write(page, metadata=None)
    return tmp_path


def published(seed, folder, label):
    path = Path(f"data/jpeg/{folder}/{label}_{seed:032x}.jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(seed)).save(path, quality=95)
    return str(path)


def matched():
    params = config.load()
    read = params.read.model_copy(update={"max_unreadable_share": 1.0})
    params = params.model_copy(update={"read": read})
    hashing.main(params)
    compare.main(params)
    return {row.page: row for row in tables.read(paths.mapping_path(None), Match)}


def labelled():
    label.main(config.load())
    return tables.read(paths.MANIFEST, Labelled)


def test_the_page_that_was_published_gives_the_label(project):
    jpeg = published(1, "Tips", "L9")
    tables.write(
        Path("data/truth.csv"), TruePair, [TruePair(str(TIFF), jpeg, "Tips", "made here", 3)]
    )
    found = matched()
    assert {page: row.verdict for page, row in found.items()} == {
        2: Verdict.NO_CANDIDATE,
        3: Verdict.MATCHED,
    }
    (row,) = labelled()
    assert (row.page, row.JPEG_path, row.height) == (3, jpeg, scene(1).shape[0])
    assert (Path("labeled") / row.file).read_bytes() == TIFF.read_bytes()
    picture, _ = backlabel.load("labeled")[0]
    np.testing.assert_array_equal(np.rint(picture[0].numpy() * 255), scene(1))
    truth = json.loads((paths.METRICS / "compare.json").read_text())["truth"]
    assert (truth["true_pairs"], truth["precision"], truth["recall"]) == (1, 1.0, 1.0)


def test_pages_of_one_label_are_labelled_once(project):
    published(0, "Tips", "L9")
    published(1, "Tips", "L9")
    assert {row.verdict for row in matched().values()} == {Verdict.MATCHED}
    (row,) = labelled()
    assert row.page == 2
    assert tables.read(paths.DUPLICATES, Duplicate) == [Duplicate(str(TIFF), str(TIFF), 3, 2)]


def test_pages_of_two_labels_are_for_a_person(project):
    published(0, "Fibres", "L1")
    jpeg = published(1, "Tips", "L9")
    found = matched()
    assert {row.verdict for row in found.values()} == {Verdict.AMBIGUOUS}
    assert found[2].reason == (
        "This page would have label L1, and page 3 of the same TIFF L9; a file has one label."
    )
    assert labelled() == []
    row = found[3]
    decision = f"{row.TIFF_path},{row.TIFF_sha256},accept,{jpeg},{row.JPEG_sha256},L9,Ada,Seen.,3\n"
    with paths.DECISIONS.open("a") as file:
        file.write(decision)
    (chosen,) = labelled()
    assert (chosen.page, chosen.label, chosen.decided_by) == (3, "L9", "person")


def test_decisions_of_before_there_were_pages(project):
    published(1, "Tips", "L9")
    row = matched()[3]
    names = [name for name in tables.plain_kinds(Decision) if name != "page"]
    paths.DECISIONS.write_text(
        f"{','.join(names)}\n{row.TIFF_path},{row.TIFF_sha256},reject,,,,Ada,Not this.\n"
    )
    assert [one.page for one in reviews.read(paths.DECISIONS)] == [None]
    assert labelled() == []


def test_a_bad_page_leaves_the_others(project):
    published(1, "Tips", "L9")
    with tifffile.TiffFile(TIFF, mode="r+b") as tiff:
        tiff.pages[1].tags["StripOffsets"].overwrite(1 << 30)
    found = matched()
    (failed,) = tables.read(paths.UNREADABLE, Passed)
    assert (failed.path, failed.page, failed.reason) == (str(TIFF), 2, "truncated")
    assert (found[2].verdict, found[3].verdict) == (Verdict.UNREADABLE, Verdict.MATCHED)
    assert [row.page for row in labelled()] == [3]
