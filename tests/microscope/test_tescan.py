"""TESCAN's tag 50431 and its `.hdr` file; SI units by definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from layouts import lines, tescan, tiff

from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition

MAIN = lines(
    "AccFrames=1",
    "Date=2016-05-16",
    "Description=",
    "Device=MIRA3 XMU",
    "FullUserName=Regina Example",
    "Magnification=108.08",
    "PixelSizeX=2.5012e-6",
    "PixelSizeY=2.5012e-6",
    "SerialNumber=MI1234567CZ",
    "Time=16:03:27",
    "UserName=regina",
    "Version=4.2.13.0",
)
SEM = lines("3DBeamTiltX=0.0", "Detector=SE", "HV=10.0000e3", "WD=13.250e-3")
VALUES = Acquisition(
    pixel_size_nm=2501.2,
    magnification=108.08,
    accelerating_voltage_kv=10.0,
    working_distance_mm=13.25,
    detector="SE",
    date="2016-05-16T16:03:27",
    instrument="MIRA3 XMU",
    operator="Regina Example",
)
HEADED = b"[MAIN]\r\n" + MAIN + b"[SEM]\r\n" + SEM.replace(b"Detector=SE", b"Detector0=BSE")


def test_blocks_without_headings(tmp_path):
    assert metadata.read(tiff(tmp_path, (50431, tescan(MAIN, SEM)))) == VALUES


def test_headings_behind_a_preview(tmp_path):
    path = tiff(tmp_path, (50431, bytes(range(256)) * 3 + HEADED))
    assert metadata.read(path) == replace(VALUES, detector="BSE")


def test_neither_blocks_nor_headings(tmp_path):
    path = tiff(tmp_path, (50431, b"\xff\xd9\x1d\x01\0\0\2\0" + MAIN + b"\xb2\3\0\0\3\0" + SEM))
    assert metadata.read(path) == VALUES


def test_what_the_preview_looks_like_does_not_count(tmp_path):
    tag = tescan(MAIN, SEM).replace(
        bytes(range(11, 40)), b"\r\nHV=1.0e3\r\nDate=2001-01-01\r\n"[:29]
    )
    assert metadata.read(tiff(tmp_path, (50431, tag))) == VALUES


@pytest.mark.parametrize("name", ["one-tif.hdr", "one.hdr"])
def test_file_beside_the_image(tmp_path, name):
    path = tiff(tmp_path)
    path.with_name(name).write_bytes(HEADED)
    assert metadata.read(path) == replace(VALUES, detector="BSE")
