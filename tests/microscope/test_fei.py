"""Tags 34680 and 34682 of FEI, Thermo Fisher and Philips; metres and volts by definition."""

from __future__ import annotations

import pytest
from layouts import lines, tiff

from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition

QUANTA = lines(
    "[User]",
    "Date=02/13/2020",
    "Time=09:23:51 PM",
    "User=supervisor",
    "UserText=Quanta 3D FEG",
    "",
    "[System]",
    "Type=DualBeam",
    "SystemType=Quanta 3D FEG",
    "",
    "[Beam]",
    "HV=20000",
    "Beam=EBeam",
    "Scan=EScan",
    "",
    "[EBeam]",
    "HV=20000",
    "HFW=0.0005968",
    "WD=0.00838328",
    "",
    "[Scan]",
    "PixelWidth=5.82812e-007",
    "",
    "[Image]",
    "MagCanvasRealWidth=0.1492",
    "ResolutionX=1024",
    "",
    "[Detectors]",
    "Number=1",
    "Name=ETD",
    "",
)
HELIOS = lines(
    "[User]",
    "Date=03/02/2021",
    "Time=03:04:01 PM",
    "User=Supervisor",
    "[System]",
    "SystemType=Helios G4 PFIB UNSPE",
    "[Beam]",
    "HV=2000",
    "Beam=IBeam",
    "Scan=IScan",
    "[IBeam]",
    "Source=Argon",
    "HV=30000",
    "HFW=0.00015",
    "WD=0.0164741",
    "[IScan]",
    "PixelWidth=9.76562e-008",
    "[Stage]",
    "WorkingDistance=0.004",
    "[Detectors]",
    "Number=1",
    "Name=ETD",
    "[PrivateFei]",
    "TimeOfCreation=03.02.2021 15:04:01",
)


@pytest.mark.parametrize("tag", [34680, 34682])
def test_electron_beam(tmp_path, tag):
    assert metadata.read(tiff(tmp_path, (tag, QUANTA + b"\0"))) == Acquisition(
        pixel_size_nm=582.812,
        magnification=250.0,  # 149.2 mm shown of 0.5968 mm
        accelerating_voltage_kv=20.0,
        working_distance_mm=8.38328,
        detector="ETD",
        date="2020-02-13T21:23:51",
        instrument="Quanta 3D FEG",
        operator="supervisor",
    )


def test_ion_beam_has_sections_of_its_own(tmp_path):
    assert metadata.read(tiff(tmp_path, (34682, HELIOS))) == Acquisition(
        pixel_size_nm=97.6562,
        accelerating_voltage_kv=30.0,
        working_distance_mm=16.4741,
        detector="ETD",
        date="2021-02-03T15:04:01",
        instrument="Helios G4 PFIB UNSPE",
        operator="Supervisor",
    )


def test_without_a_scan_the_field_over_the_pixels_counts(tmp_path):
    written = lines("[IRBeam]", "HFW=0.002", "[Image]", "ResolutionX=1000")
    assert metadata.read(tiff(tmp_path, (34682, written))).pixel_size_nm == 2000.0


def test_without_a_section_of_the_beam_the_shared_ones_count(tmp_path):
    written = lines("[Beam]", "HV=5000", "[Stage]", "WorkingDistance=0.01")
    assert metadata.read(tiff(tmp_path, (34682, written))) == Acquisition(
        accelerating_voltage_kv=5.0, working_distance_mm=10.0
    )


@pytest.mark.parametrize(("kind", "kilovolts"), [("1", 5.0), ("2", 30.0)])
def test_databar_form_of_the_xl(tmp_path, kind, kilovolts):
    written = lines(
        "[DatabarData]",
        f"iImageType = {kind}",
        "Magnification = 2500",
        "HighTension = 5000",
        "flIonAccV = 30000",
        "FWD = 5.1",
    )
    assert metadata.read(tiff(tmp_path, (34680, written))) == Acquisition(
        magnification=2500.0, accelerating_voltage_kv=kilovolts, working_distance_mm=5.1
    )


def test_what_auto_slice_and_view_writes_into_sfeg_is_passed_over(tmp_path):
    path = tiff(tmp_path, (34680, b"PD94bWwgdmVyc2lvbj0iMS4wIj8+"), (34682, QUANTA))
    assert metadata.read(path).instrument == "Quanta 3D FEG"
