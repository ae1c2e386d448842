"""The description that OpenFIBSEM writes, in the forms of three years; SI units by definition."""

from __future__ import annotations

import json

import pytest
from layouts import tiff

from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition

OF_2022 = {
    "beam_type": "ION",
    "resolution": "1536x1024",
    "version": "v1",
    "pixel_size": {"x": 6.5104167e-08, "y": 6.5104167e-08},
    "microscope_state": {
        "timestamp": 1670455021.557813,
        "absolute_position": {"x": 0.0},
        "eb_settings": {"beam_type": "ELECTRON", "working_distance": None},
        "ib_settings": {"beam_type": "ION", "working_distance": 0.012, "beam_current": 6e-15},
    },
}
OF_2023 = {
    "beam_type": "ELECTRON",
    "resolution": [1536, 1024],
    "version": "v1",
    "pixel_size": {"x": 2.604166666666667e-07, "y": 2.604166666666667e-07},
    "microscope_state": {
        "timestamp": "08/22/2023 13:43:17",
        "eb_settings": {"working_distance": 0.0039, "voltage": 2000.0},
        "ib_settings": {"working_distance": 0.0165, "voltage": 30000.0},
    },
    "detector_settings": {"type": "ETD", "mode": "SecondaryElectrons"},
}
OF_2024 = {
    "image": {"beam_type": "ION"},
    "version": "v3",
    "pixel_size": {"x": 1e-07, "y": 1e-07},
    "microscope_state": {
        "timestamp": 1670455021.557813,
        "electron_beam": {"working_distance": 0.0039, "voltage": 2000.0},
        "ion_beam": {"working_distance": 0.0165, "voltage": 30000.0},
        "electron_detector": {"type": "TLD"},
        "ion_detector": {"type": "ICE"},
    },
    "user": {"name": "Regina Example", "email": "null"},
}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (
            OF_2022,
            Acquisition(
                pixel_size_nm=65.104167, working_distance_mm=12.0, date="2022-12-07T23:17:01Z"
            ),
        ),
        (
            OF_2023,
            Acquisition(
                pixel_size_nm=260.416667,
                accelerating_voltage_kv=2.0,
                working_distance_mm=3.9,
                detector="ETD",
                date="2023-08-22T13:43:17",
            ),
        ),
        (
            OF_2024,
            Acquisition(
                pixel_size_nm=100.0,
                accelerating_voltage_kv=30.0,
                working_distance_mm=16.5,
                detector="ICE",
                date="2022-12-07T23:17:01Z",
                operator="Regina Example",
            ),
        ),
    ],
    ids=["2022", "2023", "2024"],
)
def test_forms(tmp_path, description, expected):
    assert metadata.read(tiff(tmp_path, description=json.dumps(description))) == expected


@pytest.mark.parametrize("unknown", ["Unknown", "null"])
def test_what_the_program_does_not_know_is_none(tmp_path, unknown):
    description = OF_2024 | {"user": {"name": unknown}}
    assert metadata.read(tiff(tmp_path, description=json.dumps(description))).operator is None


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(OF_2023)[:-9],
        '{"microscope_state": []}',
        '["microscope_state"]',
        '{"microscope_state":' * 9999,
    ],
    ids=["cut", "a list for a state", "a list", "deep"],
)
def test_a_damaged_description_is_a_note(tmp_path, written):
    found = metadata.read(tiff(tmp_path, description=written))
    assert found.note.startswith("the description cannot be understood")
    assert found == Acquisition(note=found.note)


@pytest.mark.parametrize("timestamp", [1e300, float("nan"), -1e18, "soon"])
def test_a_date_that_is_none_is_a_note(tmp_path, timestamp):
    state = OF_2023["microscope_state"] | {"timestamp": timestamp}
    description = json.dumps(OF_2023 | {"microscope_state": state})
    found = metadata.read(tiff(tmp_path, description=description))
    assert found.date is None
    assert "is not understood" in found.note
