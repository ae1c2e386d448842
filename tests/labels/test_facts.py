"""What workers read of labelled files, and what becomes of limits."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import over_limits
import pytest
import tifffile
from PIL import Image

from backlabel import images
from backlabel.errors import DataError
from backlabel.labels import facts, reading
from backlabel.labels.facts import Bounds, KnownFacts, Pair
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage.rows import Beside

BOUNDS = Bounds(images.Limits(), max_seconds=60, max_memory_mib=512, workers=1)
DEEP = np.random.default_rng(5).integers(0, 65536, (40, 50), np.uint16)
NOISE = np.random.default_rng(6).integers(0, 256, (40, 50, 3), np.uint8)


@pytest.fixture
def pair(tmp_path):
    tiff, jpeg = tmp_path / "a.tif", tmp_path / "a.jpg"
    tifffile.imwrite(tiff, DEEP)
    Image.fromarray(NOISE).save(jpeg)
    (tmp_path / "a.txt").write_text("[SemImageFile]\nMagnification=5000\nPixelSize=12.5\n")
    return Pair(tiff, 1, tiff, sha256(tiff), jpeg, sha256(jpeg))


@pytest.fixture
def digests(pair, tmp_path):
    text = str(tmp_path / "a.txt")
    return KnownFacts.of(
        tmp_path / "cache", images.Limits(), [Beside(text, sha256(tmp_path / "a.txt"))]
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_of_a_pair(pair, digests):
    """The expected digests follow their definition, over what tifffile and Pillow decode."""
    (found,) = facts.read([pair], BOUNDS, digests)
    text = b"<u2 40 50 1\n" + tifffile.imread(pair.original).astype("<u2").tobytes()
    assert found.pixels_sha256 == hashlib.sha256(text).hexdigest()
    with Image.open(pair.jpeg) as image:
        image.draft("L", None)  # the luma channel
        grey = np.array(image)
    assert found.JPEG_pixels_sha256 == hashlib.sha256(b"|u1 40 50 1\n" + grey.tobytes()).hexdigest()
    assert (found.taken.magnification, found.taken.pixel_size_nm) == (5000, 12.5)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_equal_pixels_have_equal_digests_however_stored(pair, digests, byteorder, compression):
    tifffile.imwrite(pair.labelled, DEEP, byteorder=byteorder, compression=compression)
    changed = replace(pair, sha256=sha256(pair.labelled))
    text = b"<u2 40 50 1\n" + DEEP.astype("<u2").tobytes()
    (found,) = facts.read([changed], BOUNDS, digests)
    assert found.pixels_sha256 == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("read", "seconds", "reason"),
    [(over_limits.hungry, 60, "too much memory"), (over_limits.endless, 10, "too slow")],
    ids=["memory", "time"],
)
def test_metadata_over_a_limit_are_a_note(pair, digests, monkeypatch, read, seconds, reason):
    monkeypatch.setattr(reading, "read", read)
    (found,) = facts.read([pair], replace(BOUNDS, max_seconds=seconds), digests)
    assert found.taken == Acquisition(note=found.taken.note)
    assert found.taken.note.startswith(f"metadata were not read: {reason}")
    assert found.pixels_sha256 == found.JPEG_pixels_sha256 == "ab" * 32


def test_picture_that_cannot_be_decoded_is_named(pair, digests):
    pair.labelled.write_bytes(b"II*\0nothing")
    with pytest.raises(DataError, match=r"a\.tif: cannot be read any more"):
        [*facts.read([replace(pair, sha256=sha256(pair.labelled))], BOUNDS, digests)]


def test_nothing_to_read(digests):
    assert [*facts.read([], BOUNDS, digests)] == []


def test_what_is_known_is_not_read_again(pair, digests, monkeypatch):
    found = [*facts.read([pair], BOUNDS, digests)]
    monkeypatch.setattr(facts, "_results", lambda tasks, *_: pytest.fail("read") if tasks else [])
    moved = replace(pair, original=pair.original.with_name("a.tif"))
    assert [*facts.read([moved], BOUNDS, digests)] == found


def test_another_text_beside_a_tiff_is_another_taking(pair, digests, tmp_path):
    (before,) = facts.read([pair], BOUNDS, digests)
    (tmp_path / "a.txt").write_text("[SemImageFile]\nMagnification=7000\n")
    changed = [Beside(str(tmp_path / "a.txt"), sha256(tmp_path / "a.txt"))]
    known = KnownFacts.of(tmp_path / "cache", images.Limits(), changed)
    (after,) = facts.read([pair], BOUNDS, known)
    assert (before.taken.magnification, after.taken.magnification) == (5000, 7000)


@pytest.mark.parametrize(
    "change", [lambda path: path.write_text("other"), lambda path: path.unlink()]
)
def test_a_text_that_changed_since_it_was_hashed_is_refused(pair, digests, tmp_path, change):
    change(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"a\.txt: changed since the TIFF beside it was hashed"):
        [*facts.read([pair], BOUNDS, digests)]
