"""What cannot be is left out and named."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from layouts import lines, tiff

from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition, checked, joined

POSSIBLE = Acquisition(
    pixel_size_nm=1.0,
    magnification=1000.0,
    accelerating_voltage_kv=5.0,
    working_distance_mm=4.0,
    detector="SE",
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pixel_size_nm", 1e6),
        ("pixel_size_nm", 0.0239),
        ("magnification", 0.5),
        ("accelerating_voltage_kv", 1000.0),
        ("accelerating_voltage_kv", 0.02),
        ("working_distance_mm", 500.0),
        ("working_distance_mm", 0.001),
    ],
)
def test_within_the_bounds(field, value):
    taken = replace(POSSIBLE, **{field: value})
    assert checked(taken) == taken


@pytest.mark.parametrize(
    ("field", "value", "note"),
    [
        ("pixel_size_nm", 0.0, "pixel size of 0 nm cannot be (above 0.001 and up to 1e+06 nm)"),
        ("pixel_size_nm", -4.0, "pixel size of -4 nm cannot be"),
        ("pixel_size_nm", 1.1e6, "pixel size of 1.1e+06 nm cannot be"),
        ("magnification", 0.0, "magnification of 0 x cannot be (above 0 and up to 1e+08 x)"),
        ("magnification", -50.0, "magnification of -50 x cannot be"),
        ("accelerating_voltage_kv", 0.0, "accelerating voltage of 0 kV cannot be"),
        ("accelerating_voltage_kv", 1001.0, "accelerating voltage of 1001 kV cannot be"),
        ("working_distance_mm", 0.0, "working distance of 0 mm cannot be"),
        ("working_distance_mm", -0.012, "working distance of -0.012 mm cannot be"),
        ("working_distance_mm", 501.0, "working distance of 501 mm cannot be"),
        ("working_distance_mm", math.inf, "working distance of inf mm cannot be"),
        ("working_distance_mm", math.nan, "working distance is not a number in a known unit"),
    ],
)
def test_outside_of_the_bounds(field, value, note):
    found = checked(replace(POSSIBLE, **{field: value}))
    assert found == replace(POSSIBLE, **{field: None}, note=found.note)
    assert found.note.startswith(note)


def test_every_fault_is_named_after_the_note_that_is_there():
    found = checked(replace(POSSIBLE, magnification=0.0, working_distance_mm=-1.0, note="date"))
    assert [part.partition(" of ")[0] for part in found.note.split("; ")] == [
        "date",
        "magnification",
        "working distance",
    ]


def test_a_file_with_a_working_distance_of_minus_twelve_micrometres(tmp_path):
    written = lines("[EBeam]", "HV=5000", "WD=-1.2e-005")
    assert metadata.read(tiff(tmp_path, (34682, written))) == Acquisition(
        accelerating_voltage_kv=5.0,
        note="working distance of -0.012 mm cannot be (above 0 and up to 500 mm)",
    )


def test_a_file_with_an_unknown_unit(tmp_path):
    written = lines("AP_WD", "WD = 4 furlongs", "AP_MAG", "Mag = 100 X")
    assert metadata.read(tiff(tmp_path, (34118, written))) == Acquisition(
        magnification=100.0, note="working distance is not a number in a known unit"
    )


def test_joined():
    assert joined("", "one", "", "two") == "one; two"
