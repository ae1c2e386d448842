"""SmartSEM's tag 34118. Numbers follow from the text by definition of the units."""

from __future__ import annotations

import pytest
from layouts import tiff, zeiss

from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition

NEW = {  # V06.03
    "DP_IMAGE_STORE": "Store resolution = 1024 * 768",
    "DP_DETECTOR_CHANNEL": "Signal A = SE2",
    "DP_DETECTOR_TYPE": "Detector = InLens",
    "DP_SEM": "Sem = Merlin",
    "AP_WIDTH": "Width = 57.16 \u00b5m",
    "AP_WD": "WD =  7.7 mm",
    "AP_MAG": "Mag =    2.00 K X",
    "AP_MANUALKV": "EHT Target =  8.00 kV",
    "AP_PIXEL_SIZE": "Pixel Size = 55.82 nm",
    "AP_IMAGE_PIXEL_SIZE": "Image Pixel Size = 27.91 nm",
    "AP_ACTUALKV": "EHT =  500 V",
    "AP_TIME": "Time :11:41:13",
    "AP_DATE": "Date :10 Aug 2018",
    "SV_SERIAL_NUMBER": "Serial No. = Merlin-61-56",
    "SV_OPERATOR": "Operator = ",
    "SV_USER_NAME": "User Name = REGINA",
}
OLD = {  # V05.04: neither the model nor the pixel size of the stored image
    "DP_DETECTOR_CHANNEL": "Signal A = InLens",
    "AP_WD": "WD =  3.9 mm",
    "AP_MAG": "Mag =  50.00 K X",
    "AP_MANUALKV": "EHT Target =  5.00 kV",
    "AP_PIXEL_SIZE": "Pixel Size = 5.825 nm",
    "AP_DATE": "Date :25 Sep 2018",
    "AP_TIME": "Time :8:20:42",
    "SV_SERIAL_NUMBER": "Serial No. = ULTRA 55-36-06",
    "SV_OPERATOR": "Operator = Regina",
}
NUMBERS = ("0", "0", "0", "5.824988e-009", "5.000000e+004", "6", "5.000000e+003")


def test_new_form(tmp_path):
    assert metadata.read(tiff(tmp_path, (34118, zeiss(NEW, NUMBERS)))) == Acquisition(
        pixel_size_nm=27.91,
        magnification=2000.0,
        accelerating_voltage_kv=0.5,
        working_distance_mm=7.7,
        detector="InLens",
        date="2018-08-10T11:41:13",
        instrument="Merlin",
        operator="REGINA",
    )


def test_old_form_at_half_the_width_of_the_screen(tmp_path):
    path = tiff(tmp_path, (34118, zeiss(OLD, NUMBERS)), width=512)
    assert metadata.read(path) == Acquisition(
        pixel_size_nm=11.649976,  # 1024 / 512 of the screen's 5.824988 nm
        magnification=50000.0,
        accelerating_voltage_kv=5.0,
        working_distance_mm=3.9,
        detector="InLens",
        date="2018-09-25T08:20:42",
        instrument="ULTRA 55-36-06",
        operator="Regina",
    )


def test_without_the_numbers_the_screen_counts_as_rounded(tmp_path):
    path = tiff(tmp_path, (34118, zeiss(OLD)), width=512)
    assert metadata.read(path).pixel_size_nm == 11.65


def test_cropping_does_not_change_the_pixel_size(tmp_path):
    named = OLD | {"DP_IMAGE_STORE": "Store resolution = 2048 * 1536"}
    path = tiff(tmp_path, (34118, zeiss(named, NUMBERS)), width=700)
    assert metadata.read(path).pixel_size_nm == 2.912494


@pytest.mark.parametrize("unit", ["\u00b5m", "\u03bcm", "um"])
def test_micrometres(tmp_path, unit):
    written = zeiss(NEW).decode("cp1252").replace("27.91 nm", f"1.25 {unit}").encode("utf-8")
    assert metadata.read(tiff(tmp_path, (34118, written))).pixel_size_nm == 1250.0
