"""Which of the file's tags and of the texts beside it counts, and what damage leads to."""

from __future__ import annotations

import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import GREY, lines, tiff

from backlabel.errors import UnreadableImageError
from backlabel.images.faults import library_faults
from backlabel.microscope import fei, fibsem, metadata, olympus, sidecars, tescan, zeiss
from backlabel.microscope.acquisition import Acquisition

ZEISS = lines("DP_SEM", "Sem = SUPRA 40", "AP_WD", "WD = 4.1 mm")
FEI = lines("[System]", "SystemType=Quanta 3D FEG")
JEOL = "$CM_INSTRUMENT 6510LV\n"


def test_an_ordinary_image_says_nothing(tmp_path):
    assert metadata.read(tiff(tmp_path, description="a drawing")) == Acquisition()


def test_the_file_itself_counts_before_its_sidecar(tmp_path):
    path = tiff(tmp_path, (34118, ZEISS))
    path.with_suffix(".txt").write_text(JEOL)
    assert metadata.read(path).instrument == "SUPRA 40"


def test_the_sidecar_counts_where_the_tag_has_no_value(tmp_path):
    path = tiff(tmp_path, (34118, b"\0\xff" * 40))
    path.with_suffix(".txt").write_text(JEOL)
    assert metadata.read(path) == Acquisition(
        instrument="6510LV", note="Zeiss's tag 34118 holds no known value"
    )


def test_another_text_does_not_hide_a_sidecar(tmp_path):
    path = tiff(tmp_path)
    path.with_suffix(".txt").write_text("Remember: 20 kV!")
    path.with_suffix(".hdr").write_text("[MAIN]\nDevice=VEGA\nPixelSizeX=1e-7\n")
    assert metadata.read(path).instrument == "VEGA"


def test_a_tag_on_a_later_page(tmp_path):
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(GREY, metadata=None)
        tag = (34682, 7, len(FEI), FEI, True)
        writer.write(GREY[:3], metadata=None, extratags=[tag])
    assert metadata.read(path).instrument == "Quanta 3D FEG"


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"bigtiff": True}])
def test_every_kind_of_tiff(tmp_path, options):
    assert metadata.read(tiff(tmp_path, (34118, ZEISS), **options)).working_distance_mm == 4.1


@pytest.mark.parametrize(
    ("tag", "value", "note"),
    [
        (34118, b"\0\xff" * 40, "Zeiss's tag 34118 holds no known value"),
        (34682, b"[Beam\r\nHV=much", "accelerating voltage is not a number in a known unit"),
        (34682, b"[User]\r\nDate=soon", "date 'soon' is not understood"),
        (50431, b"no text at all", "TESCAN's tag 50431 holds no known value"),
        (50431, b"abc", "TESCAN's tag 50431 holds no known value"),
        (33560, bytes(80), "Olympus's tag 33560 cannot be understood"),
    ],
)
def test_a_damaged_tag_is_none_and_a_note(tmp_path, tag, value, note):
    found = metadata.read(tiff(tmp_path, (tag, value)))
    assert found == Acquisition(note=found.note)
    assert found.note.startswith(note)


def test_a_tag_outside_of_the_file_is_a_note(tmp_path):
    path = tiff(tmp_path, (34118, ZEISS))
    written = bytearray(path.read_bytes())
    at = written.index((34118).to_bytes(2, "little") + b"\7\0")
    written[at + 8 : at + 12] = (2**31).to_bytes(4, "little")
    path.write_bytes(written)
    found = metadata.read(path)
    assert found == Acquisition(note=found.note)
    assert found.note.startswith("Zeiss's tag 34118 cannot be understood (needs")


@pytest.mark.parametrize("tag", [34118, 34682, 50431])
def test_a_tag_of_more_than_four_mebibytes_is_refused(tmp_path, tag):
    found = metadata.read(tiff(tmp_path, (tag, ZEISS * 100_000)))
    assert found == Acquisition(note=found.note)
    assert found.note.endswith(f"(it has {len(ZEISS) * 100_000} bytes, the limit is 4 MiB)")


def test_a_huge_description_is_refused_and_the_sidecar_read(tmp_path):
    path = tiff(tmp_path, description="a" * 5_000_000)
    path.with_suffix(".txt").write_text(JEOL)
    found = metadata.read(path)
    assert found == Acquisition(instrument="6510LV", note=found.note)
    assert "the limit is 4 MiB" in found.note


def test_a_tag_that_is_no_text_is_a_note(tmp_path):
    path = tmp_path / "shorts.tif"
    tifffile.imwrite(path, GREY, metadata=None, extratags=[(34118, 3, 3, (1, 2, 3), True)])
    assert "it is of type 3 and no text" in metadata.read(path).note


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


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_no_text_raises(content):
    assert isinstance(sidecars.read(b"$CM_MAG 1\n$CM_DATE " + content), Acquisition)
    assert isinstance(sidecars.read(b"[SemImageFile]\nDate=" + content), Acquisition)
    assert isinstance(sidecars.read(b"[MAIN]\nPixelSizeX=" + content), Acquisition)
    assert isinstance(zeiss.read(b"AP_WD\n" + content, 1024), Acquisition)
    assert isinstance(zeiss.read(content, 0), Acquisition)
    assert isinstance(tescan.read(content), Acquisition)
    assert isinstance(tescan.read(b"[MAIN]" + content), Acquisition)
    assert isinstance(fei.read(b"[EBeam]\nHFW=1\nHV=" + content), Acquisition)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_binary_and_json_raise_nothing_but_the_error_of_one_image(content):
    whole = b"SIS0" + content.ljust(400, b"\1")
    for understand in (
        lambda: olympus.read(lambda at, length: whole[at % 200 :][:length], 0),
        lambda: fibsem.read(b'{"microscope_state": ' + content),
    ):
        try:
            with library_faults():
                understand()
        except UnreadableImageError:
            pass
