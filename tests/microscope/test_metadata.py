"""What microscopes tell of an image, with units, from tags and from text files beside it.

Expected numbers of real files were read off their tags by hand; those of made files follow from the
text by definition of the units.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from backlabel.errors import UnreadableImageError
from backlabel.microscope import metadata, vendors
from backlabel.microscope.vendors import Acquisition

# Beside the repository, or beside the folder that holds its worktrees.
SHARED = [folder / "shared" for folder in Path(__file__).resolve().parents[3:5]]

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)

ZEISS = """\r
0\r
0\r
DP_DETECTOR_TYPE\r
Detector = InLens\r
DP_SEM\r
Sem = SUPRA 40\r
AP_MAG\r
Mag = 50.00 K X\r
AP_WD\r
WD = 4.1 mm\r
AP_PIXEL_SIZE\r
Pixel Size = 2.233 nm\r
AP_IMAGE_PIXEL_SIZE\r
Image Pixel Size = 4.466 nm\r
AP_ACTUALKV\r
EHT = 500 V\r
AP_TIME\r
Time :14:05:09\r
AP_DATE\r
Date :3 Mar 2014\r
SV_USER_NAME\r
User Name = REGINA\r
"""
FEI = """[User]\r
Date=02/13/2020\r
Time=09:23:51 PM\r
User=supervisor\r
[System]\r
SystemType=Quanta 3D FEG\r
[Beam]\r
HV=20000\r
Beam=EBeam\r
Scan=EScan\r
[EBeam]\r
HV=20000\r
HFW=0.0005968\r
WD=0.00838328\r
[Scan]\r
PixelWidth=5.82812e-07\r
[Image]\r
MagCanvasRealWidth=0.1492\r
[Detectors]\r
Number=1\r
Name=ETD\r
"""
TESCAN = """[MAIN]\r
AccFrames=1\r
Date=2019-10-30\r
Device=MIRA3 LMH\r
FullUserName=Regina Example\r
Magnification=5000\r
PixelSizeX=2.5e-08\r
PixelSizeY=2.5e-08\r
Time=09:12:55\r
[SEM]\r
Detector0=SE\r
HV=15000\r
WD=0.0102\r
"""
HITACHI = """[SemImageFile]
InstructName=S-4800
Date=11/27/2012
Time=11:02:33
PixelSize=9.921875
SignalName=SE(M)
AcceleratingVoltage=5000 Volt
Magnification=10000
WorkingDistance=8100 um
"""
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


def tiff(folder: Path, *tags: tuple[int, bytes], name: str = "one.tif", **options) -> Path:
    """A small TIFF with private tags; 7 is the type "undefined"."""
    path = folder / name
    extra = [(tag, 7, len(value), value, True) for tag, value in tags]
    tifffile.imwrite(path, GREY, extratags=extra, metadata=None, **options)
    return path


def test_zeiss(tmp_path):
    assert metadata.read(tiff(tmp_path, (34118, ZEISS.encode("cp1252")))) == Acquisition(
        pixel_size_nm=4.466,
        magnification=50000.0,
        accelerating_voltage_kv=0.5,
        working_distance_mm=4.1,
        detector="InLens",
        date="2014-03-03T14:05:09",
        instrument="SUPRA 40",
        operator="REGINA",
    )


@pytest.mark.parametrize("unit", ["µm", "\u03bcm", "um"])
def test_zeiss_micrometres(tmp_path, unit):
    written = ZEISS.replace("4.466 nm", f"1.25 {unit}").encode("utf-8")
    assert metadata.read(tiff(tmp_path, (34118, written))).pixel_size_nm == 1250.0


@pytest.mark.parametrize("tag", [34680, 34682])
def test_fei(tmp_path, tag):
    assert metadata.read(tiff(tmp_path, (tag, FEI.encode()))) == Acquisition(
        pixel_size_nm=582.812,
        magnification=250.0,  # 149.2 mm shown of 0.5968 mm
        accelerating_voltage_kv=20.0,
        working_distance_mm=8.38328,
        detector="ETD",
        date="2020-02-13T21:23:51",
        instrument="Quanta 3D FEG",
        operator="supervisor",
    )


def test_tescan_behind_its_binary_preview(tmp_path):
    preview = bytes(range(256)) * 3
    assert metadata.read(tiff(tmp_path, (50431, preview + TESCAN.encode()))) == Acquisition(
        pixel_size_nm=25.0,
        magnification=5000.0,
        accelerating_voltage_kv=15.0,
        working_distance_mm=10.2,
        detector="SE",
        date="2019-10-30T09:12:55",
        instrument="MIRA3 LMH",
        operator="Regina Example",
    )


HITACHI_TELLS = Acquisition(
    pixel_size_nm=9.921875,
    magnification=10000.0,
    accelerating_voltage_kv=5.0,
    working_distance_mm=8.1,
    detector="SE(M)",
    date="2012-11-27T11:02:33",
    instrument="S-4800",
)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("suffix", [".txt", ".TXT"])
def test_hitachi_sidecar(tmp_path, encoding, suffix):
    path = tiff(tmp_path)
    path.with_suffix(suffix).write_text(HITACHI, encoding=encoding)
    assert metadata.read(path) == HITACHI_TELLS


def test_jeol_sidecar(tmp_path):
    path = tiff(tmp_path)
    path.with_suffix(".txt").write_text(JEOL)
    assert metadata.read(path) == Acquisition(
        pixel_size_nm=641.025641,  # 50 um over 78 pixels
        magnification=500.0,
        accelerating_voltage_kv=20.0,
        working_distance_mm=10.0,
        detector="SEI",
        date="2013-03-07T15:42:03",
        instrument="6510LV",
        operator="JEOL",
    )


def test_an_ordinary_image_tells_nothing(tmp_path):
    assert metadata.read(tiff(tmp_path, description="a drawing")) == Acquisition()


def test_any_other_text_beside_it_tells_nothing(tmp_path):
    path = tiff(tmp_path)
    path.with_suffix(".txt").write_text("Remember: 20 kV!")
    assert metadata.read(path) == Acquisition()


def test_the_file_itself_counts_before_its_sidecar(tmp_path):
    path = tiff(tmp_path, (34118, ZEISS.encode("cp1252")))
    path.with_suffix(".txt").write_text(JEOL)
    assert metadata.read(path).instrument == "SUPRA 40"


def test_a_tag_on_a_later_page(tmp_path):
    path = tmp_path / "two.tif"
    value = FEI.encode()
    with tifffile.TiffWriter(path) as writer:
        writer.write(GREY, metadata=None)
        tag = (34682, 7, len(value), value, True)
        writer.write(GREY[:3], metadata=None, extratags=[tag])
    assert metadata.read(path).instrument == "Quanta 3D FEG"


@pytest.mark.parametrize(
    ("tag", "value", "note"),
    [
        (34118, b"\0\xff" * 40, ""),
        (34682, b"[Beam\r\nHV=much\r\n[User]\r\nDate=soon", "date 'soon' is not understood"),
        (50431, b"no text at all", "TESCAN's tag holds no [MAIN] section"),
    ],
)
def test_a_damaged_tag_is_none_and_a_note(tmp_path, tag, value, note):
    assert metadata.read(tiff(tmp_path, (tag, value))) == Acquisition(note=note)


def test_a_tag_outside_of_the_file_is_a_note(tmp_path):
    path = tiff(tmp_path, (34118, ZEISS.encode("cp1252")))
    written = bytearray(path.read_bytes())
    at = written.index((34118).to_bytes(2, "little") + b"\7\0")
    written[at + 8 : at + 12] = (2**31).to_bytes(4, "little")
    path.write_bytes(written)
    found = metadata.read(path)
    assert found.note
    assert found == Acquisition(note=found.note)


def test_a_broken_directory_is_a_note(tmp_path):
    path = tmp_path / "cut.tif"
    path.write_bytes(tiff(tmp_path).read_bytes()[:12])
    assert metadata.read(path).note.startswith("tags cannot be read")


def test_a_huge_sidecar_is_a_note(tmp_path):
    path = tiff(tmp_path)
    path.with_suffix(".txt").write_text("$CM_MAG 1\n" * 200_000)
    assert "cannot be read" in metadata.read(path).note


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UnreadableImageError, match="vanished"):
        metadata.read(tmp_path / "none.tif")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("9 Dec 2019", "2019-12-09"),
        ("13.02.2020", "2020-02-13"),
        ("03.02.2020", "2020-02-03"),
        ("02/13/2020", "2020-02-13"),
        ("13/02/2020", "2020-02-13"),
        ("02/02/2020", "2020-02-02"),
        ("2020/02/03", "2020-02-03"),
        ("2020-02-03", "2020-02-03"),
    ],
)
def test_dates(written, day):
    assert vendors.day_of(written) == (day, "")


@pytest.mark.parametrize("written", ["02/03/2020", "13/13/2020", "2020", "31 Feb 2020"])
def test_a_date_that_is_not_certain_is_none_and_a_note(written):
    day, note = vendors.day_of(written)
    assert day is None
    assert written.split()[0] in note


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_no_text_raises(content):
    assert isinstance(vendors.sidecar(content), Acquisition)
    assert isinstance(vendors.sidecar(b"$CM_MAG 1\n$CM_DATE " + content), Acquisition)
    assert isinstance(vendors.sidecar(b"[SemImageFile]\nDate=" + content), Acquisition)
    assert isinstance(vendors.zeiss(b"AP_WD\n" + content), Acquisition)
    assert isinstance(vendors.tescan(b"[MAIN]" + content), Acquisition)


def real(name: str) -> Path:
    for folder in SHARED:
        path = folder / name
        if path.exists():
            return path
    pytest.skip(f"{name} is not beside the repository")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "sample/originals/kit-data-manager__1-as-cast_17_Sch_10k_SESI.tif",
            (11.16, 10000.0, 10.0, 4.967, "SESI", "2019-12-09T11:19:43", "Auriga 60"),
        ),
        (
            "sample/originals/Martin09__125nm_03.tif",
            (35.03, 8000.0, 3.0, 5.961, "InLens", "2020-01-29T12:13:05", "Merlin"),
        ),
        (
            "more-images/neclipse/dataset/sample/800_020.tif",
            (582.812, 250.0, 20.0, 8.38328, "ETD", "2020-02-13T21:23:51", "Quanta 3D FEG"),
        ),
        (
            "more-images/DeMarcoLab/scratch/figure/old/start_ib.tif",
            (195.312, None, 30.0, 16.5, "ETD", "2022-10-19T12:51:24", "Helios G4 PFIB UNSPE"),
        ),
        (
            "more-images/DeMarcoLab/scratch/figure/liftout/figures/fig-point-projection/"
            "ref_MillUndercut_start_eb.tif",
            (260.416667, None, 2.0, 3.9, "ETD", None, None),
        ),
    ],
    ids=["zeiss", "zeiss merlin", "fei", "fei ion beam", "openfibsem"],
)
def test_real_files(name, expected):
    found = metadata.read(real(name))
    assert expected == (
        *(found.pixel_size_nm, found.magnification, found.accelerating_voltage_kv),
        *(found.working_distance_mm, found.detector, found.date, found.instrument),
    )
    assert found.note == ""
