"""Pictures of a pair: on the same pixels, and made by workers that no file can hold up."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
import tifffile
from PIL import Image

import workspace
from backlabel import config
from backlabel.errors import UnreadableImageError
from backlabel.limits import read_limits
from backlabel.microscope.acquisition import Acquisition
from backlabel.review import pictures, told
from backlabel.review.pictures import Request
from backlabel.review.studio import Studio
from backlabel.review.subject import Subject
from backlabel.storage.bounded import BoundedFolder
from backlabel.storage.files import sha256

LIMITS = read_limits(config.load(workspace.ROOT / "params.yaml").read)
SUBJECT = Subject("a.tif", 1, "0" * 64)


def hang(*_, **__):
    time.sleep(3600)


@pytest.fixture
def studio(tmp_path):
    made = Studio(BoundedFolder(tmp_path / "kept", 1 << 20), max_seconds=1, max_memory_mib=4096)
    yield made
    made.close()


def test_a_file_that_holds_its_worker_up_is_given_up_and_not_tried_again(studio, monkeypatch):
    asked = Request(SUBJECT, "tiff", 100, LIMITS)
    monkeypatch.setattr(pictures, "png", hang)
    with pytest.raises(UnreadableImageError, match="too slow"):
        studio.png(asked)
    monkeypatch.setattr(pictures, "png", None)  # nobody is asked
    with pytest.raises(UnreadableImageError, match="too slow"):
        studio.png(asked)


def test_metadata_that_hold_a_worker_up_are_a_note(studio, monkeypatch):
    monkeypatch.setattr(pictures, "taken", hang)
    found = told.metadata(studio.taken((SUBJECT.tiff, SUBJECT.page), LIMITS))
    ((name, note),) = found
    assert (name, note.startswith("metadata were not read: too slow")) == ("Note", True)


def test_metadata_have_names_and_units():
    taken = Acquisition(pixel_size_nm=1.25, accelerating_voltage_kv=5.0, detector="SE2")
    assert told.metadata(taken) == [
        ["Pixel size", "1.25 nm"],
        ["Voltage", "5 kV"],
        ["Detector", "SE2"],
    ]


@pytest.mark.parametrize("variant", ["identity", "rot90", "flip_h", "inverted"])
def test_both_lie_on_each_other_whatever_size_and_change_the_jpeg_has(
    tmp_path, monkeypatch, variant
):
    monkeypatch.chdir(tmp_path)
    original = workspace.picture(3)
    changed = {
        "identity": original,
        "rot90": np.rot90(original),
        "flip_h": original[:, ::-1],
        "inverted": 255 - original,
    }[variant]
    tifffile.imwrite(tmp_path / "a.tif", original)
    copy = Image.fromarray(np.ascontiguousarray(changed))
    copy.reduce(2).save(tmp_path / "a.jpg", quality=95)
    digests = [sha256(tmp_path / name) for name in ("a.tif", "a.jpg")]
    subject = Subject("a.tif", 1, digests[0], "a.jpg", digests[1], variant)
    ours, theirs = (
        np.asarray(Image.open(io.BytesIO(pictures.png(Request(subject, view, 2048, LIMITS)))))
        for view in ("tiff", "jpeg")
    )
    assert ours.shape == theirs.shape == changed.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 3  # of 255 grey values
