"""FEI, Thermo Fisher and Philips: tags 34680 (SFEG) and 34682 (HELIOS), text in sections."""

from __future__ import annotations

from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.values import LENGTHS, decoded, first, moment, number, rounded, text

_BEAMS = ("EBeam", "IBeam", "IRBeam")
_KILO, _MILLI = 1e3, 1e-3


def read(tag: bytes) -> Acquisition:
    """SI units, metres and volts; the section of the beam that made the image counts."""
    sections = _sections(decoded(tag))
    if "DatabarData" in sections:
        return _from_databar(sections["DatabarData"])
    return _from_sections(sections)


def _from_sections(sections: dict[str, dict[str, str]]) -> Acquisition:
    def get(section: str, key: str) -> str | None:
        return sections.get(section, {}).get(key)

    beam = get("Beam", "Beam") or next((name for name in _BEAMS if name in sections), "EBeam")
    scan = get("Beam", "Scan") or beam.replace("Beam", "Scan")
    created, _, clock = (get("PrivateFei", "TimeOfCreation") or "").partition(" ")
    date, note = moment(created or get("User", "Date"), clock or get("User", "Time"))
    width = number(get(beam, "HFW"))
    return Acquisition(
        pixel_size_nm=first(
            number(get("Scan", "PixelWidth"), LENGTHS["m"]),
            number(get(scan, "PixelWidth"), LENGTHS["m"]),
            _ratio(width, number(get("Image", "ResolutionX")), LENGTHS["m"]),
        ),
        # Only what shows the image at a known width has a magnification.
        magnification=_ratio(number(get("Image", "MagCanvasRealWidth")), width),
        accelerating_voltage_kv=number(get(beam, "HV") or get("Beam", "HV"), _MILLI),
        working_distance_mm=number(get(beam, "WD") or get("Stage", "WorkingDistance"), _KILO),
        detector=text(get("Detectors", "Name")),
        date=date,
        instrument=text(get("System", "SystemType")),
        operator=text(get("User", "User")),
        note=note,
    )


def _from_databar(bar: dict[str, str]) -> Acquisition:
    """The form of the XL and of the first dual beams: volts and millimetres."""
    ion = bar.get("iImageType") == "2"
    voltage = bar.get("flIonAccV") if ion else bar.get("HighTension") or bar.get("flAccV")
    return Acquisition(
        magnification=number(bar.get("Magnification")),
        accelerating_voltage_kv=number(voltage, _MILLI),
        working_distance_mm=number(bar.get("FWD") or bar.get("flWD")),
    )


def _sections(written: str) -> dict[str, dict[str, str]]:
    """`[name]` lines, and the `key=value` lines below each; the first of equal keys counts."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, written.splitlines()):
        key, between, value = line.partition("=")
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif between:
            section.setdefault(key.strip(), value.strip(" \0"))
    return found


def _ratio(above: float | None, below: float | None, factor: float = 1.0) -> float | None:
    return rounded(above / below * factor) if above is not None and below else None
