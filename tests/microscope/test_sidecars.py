"""The text files of Hitachi and JEOL; numbers follow from the text by definition of the units."""

from __future__ import annotations

import pytest
from layouts import lines, tiff

from backlabel.microscope import metadata, sidecars
from backlabel.microscope.acquisition import Acquisition

HITACHI = """[SemImageFile]
InstructName=S-4800
SerialNumber=1234-01
SampleName=
Date=11/27/2012
Time=11:02:33
DataSize=1280x960
PixelSize=9.921875
SignalName=SE(M)
AcceleratingVoltage=5000 Volt
DecelerationVoltage=0 Volt
Magnification=10000
WorkingDistance=8100 um
EmissionCurrent=9500 nA
"""
OF_HITACHI = Acquisition(
    pixel_size_nm=9.921875,
    magnification=10000.0,
    accelerating_voltage_kv=5.0,
    working_distance_mm=8.1,
    detector="SE(M)",
    date="2012-11-27T11:02:33",
    instrument="S-4800",
)
JEOL = """$CM_FORMAT BMP
$CM_DATE 2013/03/07
$CM_TIME 15:42:03
$CM_OPERATOR JEOL
$CM_INSTRUMENT 6510LV
$CM_ACCEL_VOLT 20.0
$CM_MAG 500
$CM_SIGNAL SEI
$$SM_WD 10
$$SM_MICRON_BAR 78
$$SM_MICRON_MARKER 50um
"""
OF_JEOL = Acquisition(
    pixel_size_nm=641.025641,  # 50 um over 78 pixels
    magnification=500.0,
    accelerating_voltage_kv=20.0,
    working_distance_mm=10.0,
    detector="SEI",
    date="2013-03-07T15:42:03",
    instrument="6510LV",
    operator="JEOL",
)
# A program of 2025: signal and detector before the header, and no $$SM_MICRON_BAR.
JEOL_WITHOUT_BAR = lines(
    "$SEM_DATA_VERSION 1",
    "$CM_SIGNAL_NAME LED",
    "$CM_ACCEL_VOLT 5.00",
    "$$SM_WD 9.07",
    "$CM_MAG 50",
    "$CM_DETECTOR LED",
    "$CM_FORMAT JEOL-SEM",
    "$CM_DATE 2025/11/20",
    "$CM_TIME 13:42:14",
    "$CM_OPERATOR Service",
    "$CM_INSTRUMENT 4700F",
    "$$SM_MICRON_MARKER 500um",
    "$CM_FULL_SIZE 1280 960",
)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("suffix", [".txt", ".TXT"])
def test_hitachi(tmp_path, encoding, suffix):
    path = tiff(tmp_path)
    path.with_suffix(suffix).write_text(HITACHI, encoding=encoding)
    assert metadata.read(path) == OF_HITACHI


def test_hitachi_with_other_names_and_units():
    written = lines(
        "[TemImageFile]", "Instrument name=HT7800", "AccVoltage=100 kV", "PixelSize=0.45 nm"
    )
    assert sidecars.read(written) == Acquisition(
        pixel_size_nm=0.45, accelerating_voltage_kv=100.0, instrument="HT7800"
    )


def test_hitachi_without_a_pixel_size():
    written = HITACHI.replace("PixelSize=9.921875\n", "MicronMarker=3000\n").encode()
    assert sidecars.read(written).pixel_size_nm is None


@pytest.mark.parametrize("dollars", ["$$", "$"])
def test_jeol(tmp_path, dollars):
    path = tiff(tmp_path)
    path.with_suffix(".txt").write_text(JEOL.replace("$$", dollars))
    assert metadata.read(path) == OF_JEOL


def test_jeol_without_a_scale_bar_has_no_pixel_size():
    assert sidecars.read(JEOL_WITHOUT_BAR) == Acquisition(
        magnification=50.0,
        accelerating_voltage_kv=5.0,
        working_distance_mm=9.07,
        detector="LED",
        date="2025-11-20T13:42:14",
        instrument="4700F",
        operator="Service",
    )


@pytest.mark.parametrize("field", ["128.0 96.0", "128.0\u00b5m 96.0\u00b5m", "0.128mm 0.096mm"])
def test_jeol_with_a_field_of_view(field):
    written = f"$CM_IMAGE_SIZE 1280 960\n$CM_FIELD_OF_VIEW {field}\n"
    assert sidecars.read(written.encode("utf-8")).pixel_size_nm == 100.0


@pytest.mark.parametrize("clock", ["03:42:03 PM", "PM 3:42:03", "15:42:03"])
def test_jeol_clocks(clock):
    written = f"$CM_DATE 5/25/2026\n$CM_TIME {clock}\n"
    assert sidecars.read(written.encode()).date == "2026-05-25T15:42:03"


def test_any_other_text_is_none():
    assert sidecars.read(b"Remember: 20 kV!") is None
