"""Olympus SIS, tag 33560; what is expected is what tifffile reads from the same file."""

from __future__ import annotations

import pytest
import tifffile
from layouts import sis

from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition


def test_as_tifffile_reads_it(tmp_path):
    path = sis(tmp_path)
    with tifffile.TiffFile(path) as tif:
        expected = tif.sis_metadata
    found = metadata.read(path)
    assert found.pixel_size_nm == pytest.approx(expected["pixelsizex"] * 1e9, rel=1e-8)
    assert found.magnification == expected["magnification"]
    assert found.detector == expected["cameraname"]
    assert found.date[:16] == expected["datetime"].isoformat()[:16]


def test_values(tmp_path):
    assert metadata.read(sis(tmp_path, camera=b"")) == Acquisition(
        pixel_size_nm=0.0239279178, magnification=600000.0, date="2018-11-15T19:42:31"
    )


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        ({"mark": b"XXX0"}, "cannot be understood (its structure does not begin with SIS0)"),
        ({"month": 12}, "date is not understood"),
        ({"pixel": (999, 1.0)}, "pixel size is not a number"),
        ({"magnification": float("nan")}, "magnification is not a number"),
    ],
)
def test_damage_is_a_note(tmp_path, damage, note):
    assert note in metadata.read(sis(tmp_path, **damage)).note
